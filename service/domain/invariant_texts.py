"""What each invariant says, how it is looked at, and what to do: English and Chinese."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Text:
    """The words of one invariant; pairs are English and Chinese."""

    name: tuple[str, str]
    statement: tuple[str, str]
    checked: str
    advice: tuple[str, str]


_SUITES_ONLY: Final = (
    "Run the named suites; the database alone cannot tell it.",
    "请运行列出的测试集;仅凭数据库无法判断。",
)

TEXTS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "I1": Text(
            ("acknowledged means durable", "确认即落盘"),
            (
                "Whatever was answered OK is still there after any crash.",
                "凡是已答复成功的,任何崩溃之后都还在。",
            ),
            "A client's own list of acknowledgements is compared with what is stored.",
            _SUITES_ONLY,
        ),
        "I2": Text(
            ("applied once", "只生效一次"),
            (
                "A request id or a message has one effect, and each request has one answer.",
                "同一请求号或同一消息只生效一次,每个请求只有一个答复。",
            ),
            "Unique keys are there and valid; no key is stored twice; each request has an answer "
            "or a refusal; each receipt has an outcome for each time it was weighed.",
            (
                "Restore the unique key; find the second effect in the order's journal.",
                "恢复唯一键,并在订单流水中找出重复的变更。",
            ),
        ),
        "I3": Text(
            ("unknown is neither", "未知不等于失败"),
            (
                "Who got no answer and asks again is told what really happened.",
                "没有收到答复而再次询问的,会得到真实结果。",
            ),
            "Connections are cut under calls, and the calls repeated with their request ids.",
            _SUITES_ONLY,
        ),
        "I4": Text(
            ("legal path", "路径合法"),
            (
                "A journal is numbered 1 to n, walks the declared table, and ends where the order "
                "stands.",
                "订单流水编号连续,每一步都在状态表内,终点就是订单当前状态。",
            ),
            "Each journal is read in order and its steps are taken from the table in "
            "`service/domain/lifecycle.py`.",
            (
                "Compare `concord order journal ORDER` with your backups.",
                "将 `concord order journal ORDER` 与备份核对。",
            ),
        ),
        "I5": Text(
            ("replay", "可重放"),
            (
                "Facts and journal, replayed, give the order as it is stored: its state, names, "
                "lines, holds, milestone, discrepancies and cases.",
                "用事实和流水重放,得到与存储一致的订单:状态、单号、明细、锁定、里程碑、矛盾和工单。",
            ),
            "Each order is derived anew from its facts; holds, milestone and state are folded from "
            "the journal; each case from its log.",
            (
                "`concord order explain ORDER`: something was changed outside the service.",
                "执行 `concord order explain ORDER`;有事实或字段被服务之外的人改动。",
            ),
        ),
        "I6": Text(
            ("confluence", "与到达顺序无关"),
            (
                "The same facts in any order, with repeats, end in the same state, money, cases.",
                "同样的事实,无论先后、重复与否,最终状态、金额和工单都相同。",
            ),
            "Permutations of arrivals are compared.",
            _SUITES_ONLY,
        ),
        "I7": Text(
            ("published", "提交必发布"),
            (
                "Every committed change is published within the bound; nothing is parked.",
                "已提交的变更都在时限内发布,没有被搁置的消息。",
            ),
            "No outbox row waits longer than the bound; no key is parked; each journal row of the "
            "last 50 minutes has its outbox row, in the one shard of 16 whose published rows stay, "
            "and in all while no relay has run.",
            (
                "`concord outbox`, `concord outbox parked`, then the relay's log.",
                "执行 `concord outbox`、`concord outbox parked`,再看 relay 日志。",
            ),
        ),
        "I8": Text(
            ("in order", "按序发布"),
            (
                "Within an order and stream, messages are numbered without a gap and marked from "
                "the front.",
                "同一订单同一流内,消息编号连续,并从前往后标记为已发布。",
            ),
            "What waits of a key is an unbroken run up to its head; nothing behind it is marked; "
            "the events of customers and of their profiles are numbered 1 to n.",
            (
                "Stop the relay: a row was marked or deleted out of turn. `concord outbox "
                "republish` sends all again.",
                "停止 relay:有消息被越序标记或删除。`concord outbox republish` 会全部重发。",
            ),
        ),
        "I9": Text(
            ("consumers are idempotent", "消费幂等"),
            (
                "A topic that is replayed, interleaved or rewound changes no result.",
                "主题被重放、交错或回退,结果不变。",
            ),
            "Records are given to the streams again.",
            _SUITES_ONLY,
        ),
        "I10": Text(
            ("streams never write truth", "流不写真相"),
            (
                "What the streams count follows from the journal, and the journal's stage times "
                "from the facts.",
                "流的统计出自流水,流水中的阶段耗时出自事实。",
            ),
            "The stage times that each journal tells are measured anew from the facts. The view in "
            "Redis is compared by `concord insights verify`.",
            (
                "`concord insights verify`; if it differs, restart the streams.",
                "执行 `concord insights verify`;如有差异,重启流处理。",
            ),
        ),
        "I11": Text(
            ("money conserves", "金额守恒"),
            (
                "Paid, refunded and totals are the sums of the facts, and nothing goes back beyond "
                "what came unless it is awaited or a case says so.",
                "实付、已退与总额等于事实之和;退款超过实付的,必有期限或工单。",
            ),
            "Sums are derived anew from the facts and folded from the journal.",
            (
                "`concord order explain ORDER`; compare with the provider's statement.",
                "执行 `concord order explain ORDER`,与支付渠道对账单核对。",
            ),
        ),
        "I12": Text(
            ("no silent stuck order", "没有无声卡单"),
            (
                "Whatever is awaited of an order has a deadline that runs, a case, or the decision "
                "of a person.",
                "订单所等待的每件事,都有期限、工单或人工结论。",
            ),
            "What is awaited is derived from the facts; each has a timer that runs, or a case that "
            "is open or was ended by a person.",
            (
                "`concord order explain ORDER`; open a case for it.",
                "执行 `concord order explain ORDER`,并为其建工单。",
            ),
        ),
        "I13": Text(
            ("a contradiction has a case", "矛盾必有工单"),
            (
                "Every fact ends applied, confirmed, early or contradicting; a contradiction has "
                "its case, and an early fact waits for an order that nobody has told of.",
                "每个事实都有结论;矛盾必有工单,早到的事实等待尚未出现的订单。",
            ),
            "Outcomes, cases of contradictions, parked facts and receipts without outcome.",
            (
                "`concord receipt list --waiting`, then `concord receipt retry`; open the missing "
                "case.",
                "执行 `concord receipt list --waiting`,再 `concord receipt retry`;补建缺失的工单。",
            ),
        ),
        "I14": Text(
            ("timers", "定时器"),
            (
                "No deadline fires before its time or stays undone beyond the bound, none runs for "
                "what nobody awaits, and no probe is overdue beyond its bound.",
                "定时器不早触发、不超时未办、不为无人等待之事而设;查询不逾期。",
            ),
            "Timers against what is awaited and against the clock; probes, of providers that are "
            "asked at all.",
            (
                "The service's log (`clockwork_waits`), the connectors' log, `concord probe list`.",
                "查看服务日志(`clockwork_waits`)、连接器日志和 `concord probe list`。",
            ),
        ),
        "I15": Text(
            ("the chain verifies", "流水链可验证"),
            (
                "Each journal's hash chain holds, and the application may not change or delete "
                "what is append-only.",
                "流水哈希链成立,应用角色无权修改或删除只增表。",
            ),
            "Each row is hashed again; rights and triggers of the append-only tables are read from "
            "the catalog.",
            (
                "Somebody has changed the journal: `concord audit verify`, then your backups.",
                "流水被改动:执行 `concord audit verify`,再核对备份。",
            ),
        ),
        "I16": Text(
            ("versions only grow", "版本只增"),
            (
                "What a reader sees of an order never goes back.",
                "读者看到的订单版本不会倒退。",
            ),
            "Readers beside writers note what they see.",
            _SUITES_ONLY,
        ),
        "I18": Text(
            ("nothing secret leaves", "秘密不外泄"),
            (
                "No personal data and no secret is in logs, spans, metrics, headers or errors.",
                "日志、追踪、指标、消息头和报错中没有个人信息和密钥。",
            ),
            "Seeded canaries are looked for in everything that leaves.",
            _SUITES_ONLY,
        ),
        "I19": Text(
            ("bounded", "有界"),
            (
                "What is to be forgotten is forgotten in time, and connections stay below their "
                "limit.",
                "该清理的按时清理,连接数低于上限。",
            ),
            "Answers and published rows beyond their time; sessions against `max_connections`. "
            "Memory, queues and descriptors are told by the suites.",
            (
                "Is the relay running, and the service's clockwork? Who holds connections?",
                "检查 relay 与服务的定时任务是否在运行,以及谁占用了连接。",
            ),
        ),
        "I20": Text(
            ("durability settings", "持久化设置"),
            (
                "PostgreSQL waits for the disk: fsync, full_page_writes and synchronous_commit "
                "are on.",
                "PostgreSQL 等待落盘:fsync、full_page_writes、synchronous_commit 均开启。",
            ),
            "The settings of a session of the application; the service does not serve otherwise. "
            "What `concord.unsafe_settings` of the server names is let pass.",
            (
                "Switch them on in postgresql.conf, and restart PostgreSQL.",
                "在 postgresql.conf 中开启,并重启 PostgreSQL。",
            ),
        ),
    }
)
