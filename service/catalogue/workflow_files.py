"""Reads workflows, each in a file of its own; a version whose body changes has another digest."""

import hashlib
import json
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

from yaml.nodes import MappingNode, Node, ScalarNode

from service.application.conditions import Conditions
from service.catalogue import soundness
from service.catalogue.effect_files import Known, effects
from service.catalogue.marked import LOWER, UPPER, Reading
from service.domain.desk.workflows import Act, Awaited, Step, Timer, Workflow

# What a timer does that ends no step.
ESCALATE: Final = "escalate"

Plain = str | list["Plain"] | dict[str, "Plain"]


def plain(node: Node) -> Plain:
    """Return what a document says, without its lines and comments."""
    if isinstance(node, ScalarNode):
        return str(node.value).strip()
    if isinstance(node, MappingNode):
        return {str(key.value): plain(value) for key, value in node.value}
    return [plain(each) for each in node.value]


def body_of(node: Node) -> str:
    """Return a document in one way of writing, which can be read again."""
    return json.dumps(plain(node), ensure_ascii=False, separators=(", ", ": "))


def workflow(reading: Reading, node: Node, known: Known, conditions: Conditions) -> Workflow | None:
    """Return the workflow of a document, or None with the mistakes noted."""
    before = len(reading.mistakes)
    fields = reading.fields(
        node, ("workflow", "version", "title", "start", "steps"), noun="workflow"
    )
    body = body_of(node)
    writer = _Steps(reading, fields["steps"], known, conditions)
    found = Workflow(
        name=reading.name(fields["workflow"]),
        version=reading.whole(fields["version"], most=9_999),
        title=reading.words(fields["title"]),
        start=reading.several(fields["start"], writer.names, "step"),
        steps=MappingProxyType(writer.steps()),
        digest=hashlib.sha256(body.encode()).hexdigest(),
        body=body,
    )
    if isinstance(node, MappingNode) and not writer.names and len(reading.mistakes) == before:
        reading.wrong(fields["steps"], "there are no steps", "write one, with a role and an act")
    if len(reading.mistakes) == before:
        for step, what, advice in soundness.problems(found):
            reading.wrong(writer.nodes.get(step, node), what, advice)
    return found if len(reading.mistakes) == before else None


class _Steps:
    def __init__(self, reading: Reading, node: Node, known: Known, conditions: Conditions) -> None:
        self._reading = reading
        self._known = known
        self._conditions = conditions
        self.nodes: dict[str, Node] = {}
        self._bodies: dict[str, Node] = {}
        for key, body in reading.pairs(node, "list of steps"):
            if name := reading.name(key):
                self.nodes[name], self._bodies[name] = key, body

    @property
    def names(self) -> Collection[str]:
        return self.nodes

    def steps(self) -> Mapping[str, Step]:
        return {name: self._step(name, body) for name, body in self._bodies.items()}

    def _step(self, name: str, body: Node) -> Step:
        reading, known = self._reading, self._known
        fields = reading.fields(
            body,
            ("title", "role", "acts"),
            ("documents", "when", "otherwise", "joins", "awaits", "pauses", "timer", "on_begin"),
            noun=f"step `{name}`",
        )
        acts = self._acts(name, fields["acts"])
        awaits, awaited_act = self._awaited(fields.get("awaits"), acts)
        condition = self._condition(fields.get("when"))
        if condition and "otherwise" not in fields:
            advice = "add `otherwise: STEP`, which begins where the condition does not hold"
            reading.wrong(fields["when"], f"step `{name}` has `when` and no `otherwise`", advice)
        if "otherwise" in fields and "when" not in fields:
            what = f"step `{name}` has `otherwise` and no `when`"
            reading.wrong(fields["otherwise"], what, "add `when: CONDITION`, or leave it out")
        step = Step(
            name=name,
            title=reading.words(fields["title"]),
            role=self._among(fields["role"], known.roles, "role"),
            acts=acts,
            documents=self._documents(fields.get("documents")),
            condition=condition,
            skip_to=self._targets(fields.get("otherwise")),
            joins=self._targets(fields.get("joins")),
            awaits=awaits,
            awaited_act=awaited_act,
            pauses="pauses" in fields and reading.yes(fields["pauses"]),
            timer=self._timer(fields.get("timer"), acts),
            on_begin=effects(reading, fields["on_begin"], known) if "on_begin" in fields else (),
        )
        self._refuse_asking_nobody(step, fields)
        return step

    def _refuse_asking_nobody(self, step: Step, fields: Mapping[str, Node]) -> None:
        """Note where what is done by itself would need a document, which only people bring."""
        for field, name in (
            ("timer", step.timer.act if step.timer else ""),
            ("awaits", step.awaited_act),
        ):
            act = step.act(name)
            if act and (step.documents or act.documents):
                asked = ", ".join((*step.documents, *act.documents))
                self._reading.wrong(
                    fields[field],
                    f"`{name}` is done by itself and asks for {asked}, which only people bring",
                    "ask for the document at the acts of people, or at another step",
                )

    def _acts(self, step: str, node: Node) -> tuple[Act, ...]:
        found = []
        for key, body in self._reading.pairs(node, f"list of acts of `{step}`"):
            name = self._reading.name(key)
            if name == ESCALATE:
                self._reading.wrong(
                    key, "`escalate` is what timers do", "give the act another name"
                )
            elif name:
                found.append(self._act(step, name, key, body))
        if isinstance(node, MappingNode) and not node.value:
            self._reading.wrong(
                node, f"step `{step}` has no act", "add one, with `to` or `outcome`"
            )
        return tuple(found)

    def _act(self, step: str, name: str, key: Node, body: Node) -> Act:
        reading = self._reading
        fields = reading.fields(
            body,
            ("title",),
            ("to", "outcome", "documents", "when", "effects"),
            noun=f"act `{name}`",
        )
        leads = [each for each in ("to", "outcome") if each in fields]
        if len(leads) != 1:
            told = "says both `to` and `outcome`" if leads else "leads nowhere"
            advice = "write `to: STEP`, or `outcome: REFUNDED` where the case ends"
            reading.wrong(key, f"act `{step}.{name}` {told}", advice)
        return Act(
            name=name,
            title=reading.words(fields["title"]),
            to=self._targets(fields.get("to")),
            outcome=reading.name(fields["outcome"], UPPER) if "outcome" in fields else "",
            documents=self._documents(fields.get("documents")),
            condition=self._condition(fields.get("when")),
            effects=effects(reading, fields["effects"], self._known) if "effects" in fields else (),
        )

    def _targets(self, node: Node | None) -> tuple[str, ...]:
        return self._reading.several(node, self.names, "step") if node else ()

    def _documents(self, node: Node | None) -> tuple[str, ...]:
        if node is None:
            return ()
        if self._known.documents is None:
            return tuple(self._reading.name(each) for each in self._reading.items(node))
        return self._reading.several(node, self._known.documents, "kind of document")

    def _among(self, node: Node, known: Collection[str] | None, noun: str) -> str:
        if known is None:
            return self._reading.name(node, LOWER)
        return self._reading.one_of(node, known, noun)

    def _condition(self, node: Node | None) -> str:
        text = self._reading.text(node, "condition") if node else ""
        problem = self._conditions.check(text) if text else None
        if node and problem:
            is_first = problem.line == 1 and isinstance(node, ScalarNode) and not node.style
            self._reading.wrong(
                node,
                problem.what,
                problem.advice,
                line=problem.line - 1,
                column=node.start_mark.column + problem.column if is_first else 0,
            )
        return text

    def _timer(self, node: Node | None, acts: tuple[Act, ...]) -> Timer | None:
        if node is None:
            return None
        fields = self._reading.fields(node, ("after", "then"), noun="timer")
        names = [each.name for each in acts]
        then = self._reading.one_of(fields["then"], [*names, ESCALATE], "act of this step")
        return Timer(self._reading.minutes(fields["after"]), "" if then == ESCALATE else then)

    def _awaited(self, node: Node | None, acts: tuple[Act, ...]) -> tuple[Awaited, str]:
        if node is None:
            return Awaited.NOTHING, ""
        known = [each.value for each in Awaited if each.value]
        parts = list(self._reading.pairs(node, "`awaits`"))
        if len(parts) != 1:
            if isinstance(node, MappingNode):
                advice = "write `awaits: {stock: ACT}`"
                self._reading.wrong(node, f"one step awaits {len(parts)} things", advice)
            return Awaited.NOTHING, ""
        ((key, value),) = parts
        what = self._reading.one_of(key, known, "thing to await")
        act = self._reading.one_of(value, [each.name for each in acts], "act of this step")
        return Awaited(what), act
