"""Draws a workflow as a Mermaid flow chart, in the words of people."""

from collections.abc import Iterator, Mapping
from typing import Final

from service.domain.desk.catalogue import Catalogue
from service.domain.desk.taxonomy import Words
from service.domain.desk.workflows import Act, Awaited, Effect, EffectKind, Step, Workflow

_SIGNS: Final = (("&", "#amp;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"))
_TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "zh": {
        "begin": "开始",
        "yes": "是",
        "no": "否",
        "needs": "凭证",
        "if": "条件",
        "after": "超过",
        "escalate": "升级",
        "awaits": "等待",
        "pauses": "暂停计时",
        "joins": "汇合",
    },
    "en": {
        "begin": "begin",
        "yes": "yes",
        "no": "no",
        "needs": "with",
        "if": "if",
        "after": "after",
        "escalate": "escalate",
        "awaits": "awaits",
        "pauses": "clock stands still",
        "joins": "both",
    },
}
_AWAITED: Final[Mapping[str, Mapping[Awaited, str]]] = {
    "zh": {
        Awaited.STOCK: "到货",
        Awaited.PAYMENT: "付款",
        Awaited.REFUND: "退款到账",
        Awaited.DELIVERY: "签收",
        Awaited.CANCELLATION: "取消",
        Awaited.PURCHASE: "采购",
    },
    "en": {each: each.value for each in Awaited},
}
_EFFECTS: Final[Mapping[str, Mapping[EffectKind, str]]] = {
    "zh": {
        EffectKind.HOLD: "暂停出库",
        EffectKind.RELEASE: "恢复出库",
        EffectKind.TRANSITION: "变更状态",
        EffectKind.REFUND: "退款",
        EffectKind.NOTICE: "通知",
        EffectKind.PURCHASE: "采购申请",
        EffectKind.MILESTONE: "里程碑",
        EffectKind.COUPON: "发券",
        EffectKind.CASE: "新工单",
    },
    "en": {each: each.value for each in EffectKind},
}


def draw(workflow: Workflow, catalogue: Catalogue, language: str) -> str:
    """Return the chart; steps are boxes, conditions diamonds, outcomes rounded."""
    return "\n".join(_Chart(workflow, catalogue, language).lines()) + "\n"


class _Chart:
    def __init__(self, workflow: Workflow, catalogue: Catalogue, language: str) -> None:
        self._workflow = workflow
        self._catalogue = catalogue
        self._language = language
        self._texts = _TEXTS[language]

    def lines(self) -> Iterator[str]:
        yield "flowchart TD"
        yield f'    begin(("{self._texts["begin"]}"))'
        for step in self._workflow.steps.values():
            yield from self._box(step)
        outcomes = {
            act.outcome
            for step in self._workflow.steps.values()
            for act in step.acts
            if act.outcome
        }
        for outcome in sorted(outcomes):
            yield f'    end_{outcome}(["{outcome}"])'
        for name in self._workflow.start:
            yield f"    begin --> {self._entry(name)}"
        for step in self._workflow.steps.values():
            yield from self._ways(step)

    def _box(self, step: Step) -> Iterator[str]:
        lines = [f"<b>{self._say(step.title)}</b>", self._role(step.role)]
        if step.awaits is not Awaited.NOTHING:
            what = _AWAITED[self._language][step.awaits]
            lines.append(f"{self._texts['awaits']}: {what}")
        if step.pauses:
            lines.append(self._texts["pauses"])
        if step.timer:
            act = step.act(step.timer.act)
            then = self._say(act.title) if act else self._texts["escalate"]
            lines.append(f"{self._texts['after']} {span(step.timer.minutes)}: {then}")
        lines += [self._effect(each) for each in step.on_begin]
        yield f'    s_{step.name}["{"<br>".join(lines)}"]'
        if step.condition:
            yield f'    if_{step.name}{{"{_escaped(step.condition)}"}}'
        if step.joins:
            yield f'    join_{step.name}{{{{"{self._texts["joins"]}"}}}}'

    def _ways(self, step: Step) -> Iterator[str]:
        inner = f"s_{step.name}"
        if step.condition:
            yield f'    if_{step.name} -- "{self._texts["yes"]}" --> {inner}'
            for other in step.skip_to:
                yield f'    if_{step.name} -- "{self._texts["no"]}" --> {self._entry(other)}'
            inner = f"if_{step.name}"
        if step.joins:
            yield f"    join_{step.name} --> {inner}"
        for act in step.acts:
            told = self._act(step, act)
            for goal in act.to:
                yield f'    s_{step.name} -- "{told}" --> {self._entry(goal)}'
            if act.outcome:
                yield f'    s_{step.name} -- "{told}" --> end_{act.outcome}'

    def _entry(self, name: str) -> str:
        step = self._workflow.steps[name]
        if step.joins:
            return f"join_{name}"
        return f"if_{name}" if step.condition else f"s_{name}"

    def _act(self, step: Step, act: Act) -> str:
        lines = [self._say(act.title)]
        if act.condition:
            lines.append(f"{self._texts['if']} {_escaped(act.condition)}")
        if documents := (*step.documents, *act.documents):
            lines.append(f"{self._texts['needs']}: {', '.join(map(self._document, documents))}")
        return "<br>".join([*lines, *(self._effect(each) for each in act.effects)])

    def _effect(self, effect: Effect) -> str:
        told = " ".join(map(_escaped, effect.values.values()))
        return f"<i>{_EFFECTS[self._language][effect.kind]} {told}</i>".replace(" </i>", "</i>")

    def _document(self, name: str) -> str:
        kind = self._catalogue.documents.get(name)
        return self._say(kind.title) if kind else name

    def _role(self, name: str) -> str:
        title = self._catalogue.roles.get(name)
        return self._say(title) if title else name

    def _say(self, words: Words) -> str:
        return _escaped(words.get(self._language, ""))


def span(minutes: int) -> str:
    """Return minutes as they are written in files: `30m`, `2h`."""
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def _escaped(text: str) -> str:
    for sign, written in _SIGNS:
        text = text.replace(sign, written)
    return text
