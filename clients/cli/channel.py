"""`concord channel …`: the feeds by which shops' orders come, what is asked, and how they are."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from clients.cli import channel_text as text
from clients.cli import config, output
from clients.cli.options import AsJson, In, Limit, RequestId, span_of, time_of
from clients.cli.session import connected
from concord.channels.v1.feed_pb2 import Feed, FeedLimits, FeedSchedule
from concord.channels.v1.run_pb2 import Run

app = typer.Typer(
    help="Channels: how shops' orders come, and whether all do.", no_args_is_help=True
)

FeedName = Annotated[str, typer.Argument(metavar="FEED", help="`douyin-flagship` …")]
OfChannel = Annotated[str, typer.Option("--channel", help="Only of this channel.")]
Title = Annotated[str, typer.Option(help="What people call it.")]
Account = Annotated[str, typer.Option(help="The account's name in the accounts file.")]
Owner = Annotated[str, typer.Option(help="The role that acts where it is broken.")]
Platform = Annotated[str, typer.Option(help="Whose protocol; the channel's own without.")]
Interval = Annotated[int, typer.Option("--interval", help="Seconds between polls.", min=0)]
FileDue = Annotated[str, typer.Option("--file-due", help="When a day's file is due: 02:00.")]
Window = Annotated[int, typer.Option("--window", help="The longest window, in seconds.", min=0)]
LookBack = Annotated[
    str, typer.Option("--look-back", help="Now and then asked from so far back: 12h, 15d.")
]
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="What else a connector needs; repeatable."),
]


@app.command("list")
def list_feeds(*, channel: OfChannel = "", as_json: AsJson = False, language: In = None) -> None:
    """List feeds, and how each is."""
    with connected(as_json=as_json) as concord:
        feeds = list(concord.channels.list(channel=channel))
        health = concord.channels.list_health(channel=channel).health
    if as_json:
        told = [output.as_dict(each) for each in feeds]
        output.print_json({"feeds": told, "health": [output.as_dict(each) for each in health]})
        return
    output.print_all([text.feed_table(feeds, {each.feed: each for each in health}, language)])
    if not feeds:
        output.note("No feed is registered: `concord channel add`.")


@app.command()
def show(
    feed: FeedName, *, limit: Limit = 10, as_json: AsJson = False, language: In = None
) -> None:
    """Show one feed, how it is, and its last runs."""
    with connected(as_json=as_json) as concord:
        found, health = concord.channels.get(feed), concord.channels.health(feed)
        runs = list(islice(concord.channels.list_runs(feed=feed, page_size=limit), limit))
    if as_json:
        output.print_json(
            {
                "feed": output.as_dict(found),
                "health": output.as_dict(health),
                "runs": [output.as_dict(each) for each in runs],
            }
        )
    else:
        output.print_all(text.feed_parts(found, health, runs, language))


@app.command()
def add(  # noqa: PLR0913  # Each parameter is an option of the command.
    feed: FeedName,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="`douyin`, `jd` …")],
    shop: Annotated[str, typer.Argument(metavar="SHOP", help="Its number or name there.")],
    mode: Annotated[str, typer.Argument(metavar="MODE", help="push, pull, file or manual.")],
    template: Annotated[str, typer.Argument(metavar="TEMPLATE", help="`douyin.orders` …")],
    *,
    zone: Annotated[str, typer.Option(help="The zone of the shop's days.")] = "Asia/Shanghai",
    title: Title = "",
    platform: Platform = "",
    account: Account = "",
    owner: Owner = "",
    interval: Interval = 0,
    window: Window = 0,
    look_back: LookBack = "",
    file_due: FileDue = "",
    since: Annotated[str, typer.Option(help="Its orders are ours from then: 2d, or a time.")] = "",
    setting: Setting = None,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Register a feed."""
    made = Feed(
        name=f"feeds/{feed}",
        title=title,
        channel=channel,
        shop=shop,
        mode=_mode(mode),
        platform=platform,
        template=template,
        zone=zone,
        account=account,
        owner=owner,
        limits=FeedLimits(window_max_s=window, look_back_s=_seconds(look_back)),
        schedule=FeedSchedule(interval_s=interval, file_due=file_due),
        settings=_settings(setting),
    )
    if since:
        made.begin_time.FromDatetime(time_of(since, config.now()))
    with connected(as_json=as_json) as concord:
        _told(concord.channels.create(made, request_id=request_id), "registered", as_json=as_json)


@app.command()
def change(  # noqa: PLR0913  # Each parameter is an option of the command.
    feed: FeedName,
    *,
    title: Title = "",
    template: Annotated[str, typer.Option(help="Which template reads it.")] = "",
    zone: Annotated[str, typer.Option(help="The zone of the shop's days.")] = "",
    platform: Platform = "",
    account: Account = "",
    owner: Owner = "",
    interval: Interval = 0,
    window: Window = 0,
    look_back: LookBack = "",
    file_due: FileDue = "",
    setting: Setting = None,
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Change what is said of a feed; what is not named stays."""
    plain = {
        "title": title,
        "template": template,
        "zone": zone,
        "platform": platform,
        "account": account,
        "owner": owner,
    }
    fields = [name for name, value in plain.items() if value]
    with connected(as_json=as_json) as concord:
        found = concord.channels.get(feed)
        for name in fields:
            setattr(found, name, plain[name])
        if window or look_back:
            found.limits.window_max_s = window or found.limits.window_max_s
            found.limits.look_back_s = _seconds(look_back) or found.limits.look_back_s
            fields.append("limits")
        if interval or file_due:
            found.schedule.interval_s = interval or found.schedule.interval_s
            found.schedule.file_due = file_due or found.schedule.file_due
            fields.append("schedule")
        if setting:
            found.settings.update(_settings(setting))
            fields.append("settings")
        if not fields:
            raise typer.BadParameter("name what is to change: see --help")
        changed = concord.channels.update(found, fields, request_id=request_id)
        _told(changed, "changed", as_json=as_json)


@app.command()
def pause(feed: FeedName, *, request_id: RequestId = "", as_json: AsJson = False) -> None:
    """Let a feed be: it is neither asked nor watched."""
    with connected(as_json=as_json) as concord:
        _told(concord.channels.pause(feed, request_id=request_id), "paused", as_json=as_json)


@app.command()
def resume(feed: FeedName, *, request_id: RequestId = "", as_json: AsJson = False) -> None:
    """Let a feed go on from its cursor."""
    with connected(as_json=as_json) as concord:
        _told(concord.channels.resume(feed, request_id=request_id), "resumed", as_json=as_json)


@app.command()
def pull(
    feed: FeedName,
    *,
    since: Annotated[str, typer.Option(help="From then: 6h, or a time with offset.")] = "",
    until: Annotated[str, typer.Option(help="Until then; now without.")] = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Ask a feed for a window as soon as a connector has time."""
    now = config.now()
    with connected(as_json=as_json) as concord:
        run = concord.channels.start_run(
            feed,
            start=time_of(since, now) if since else None,
            end=time_of(until, now) if until else None,
            request_id=request_id,
        )
    _print_run(run, as_json=as_json, language=language)


@app.command("runs")
def list_runs(
    feed: Annotated[str, typer.Argument(metavar="[FEED]", help="Only of this feed.")] = "",
    *,
    limit: Limit = 20,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List what was asked, newest first: the window, what came, and what was new."""
    with connected(as_json=as_json) as concord:
        runs = list(islice(concord.channels.list_runs(feed=feed, page_size=limit), limit))
    if as_json:
        output.print_json({"runs": [output.as_dict(each) for each in runs]})
    else:
        output.print_all([text.run_table(runs, language)])


@app.command("run")
def show_run(
    run: Annotated[str, typer.Argument(metavar="RUN", help="`run-…`.")],
    *,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Show one run, with what was literally sent."""
    with connected(as_json=as_json) as concord:
        found = concord.channels.get_run(run)
    _print_run(found, as_json=as_json, language=language)


@app.command("incidents")
def list_incidents(
    feed: Annotated[str, typer.Argument(metavar="[FEED]", help="Only of this feed.")] = "",
    *,
    only_open: Annotated[bool, typer.Option("--open", help="Only such as are not over.")] = False,
    limit: Limit = 20,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """List what polls had missed, newest first: both windows, and how many orders."""
    with connected(as_json=as_json) as concord:
        pages = concord.channels.list_incidents(feed=feed, only_open=only_open, page_size=limit)
        found = list(islice(pages, limit))
    if as_json:
        output.print_json({"incidents": [output.as_dict(each) for each in found]})
    else:
        output.print_all([text.incident_table(found, language)])


@app.command()
def incident(
    name: Annotated[str, typer.Argument(metavar="INCIDENT", help="`inc-…`.")],
    *,
    as_json: AsJson = False,
    language: In = None,
) -> None:
    """Show one incident, with some of the orders that had not come."""
    with connected(as_json=as_json) as concord:
        found = concord.channels.get_incident(name)
    if as_json:
        output.print_json(found)
    else:
        output.print_all(text.incident_parts(found, language))


def _mode(name: str) -> Feed.Mode.ValueType:
    known = {each.removeprefix("MODE_").lower(): each for each in Feed.Mode.keys()[1:]}
    if name.lower() not in known:
        raise typer.BadParameter(f"{name!r} is none of: {', '.join(known)}")
    return Feed.Mode.Value(known[name.lower()])


def _seconds(span: str) -> int:
    return int(span_of(span).total_seconds()) if span else 0


def _settings(pairs: list[str] | None) -> dict[str, str]:
    made = {}
    for each in pairs or ():
        name, equals, value = each.partition("=")
        if not equals:
            raise typer.BadParameter(f"{each!r} is no NAME=VALUE")
        made[name] = value
    return made


def _told(feed: Feed, what: str, *, as_json: bool) -> None:
    if as_json:
        output.print_json(feed)
    else:
        typer.echo(f"{feed.name.removeprefix('feeds/')} {what}")


def _print_run(run: Run, *, as_json: bool, language: In) -> None:
    if as_json:
        output.print_json(run)
    else:
        output.print_all(text.run_parts(run, language))
