"""The OpenRPC document of a method table: what the decorators and signatures of its handlers say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from network.rpc.errors import Json

if TYPE_CHECKING:
    from network.rpc.methods import Method

OPENRPC_VERSION = "1.3.2"
TITLE = "Fixpoint JSON-RPC"
INTERFACE_VERSION = "1"


def document(methods: Sequence[Method]) -> dict[str, Json]:
    """The document as https://spec.open-rpc.org describes it; parameters go by position.

    Members that begin with `x-` say what OpenRPC has no word for: other names, whether a method is unsafe,
    and the notification and the end of a subscription.
    """
    info = {"title": TITLE, "version": INTERFACE_VERSION}
    described = [describe(each) for each in sorted(methods, key=lambda method: method.name)]
    return {"openrpc": OPENRPC_VERSION, "info": info, "methods": described}


def describe(method: Method) -> dict[str, Json]:
    """One method object."""
    summary, _, rest = method.docs.partition("\n\n")
    described: dict[str, Json] = {
        "name": method.name,
        "summary": " ".join(summary.split()),
        "paramStructure": "by-position",
        "params": [
            {"name": each.name, "required": each.required, "schema": each.decoder.schema()}
            for each in method.parameters
        ],
        "result": {"name": "result", "schema": {}},
    }
    if rest:
        described["description"] = " ".join(rest.split())
    if method.aliases:
        described["x-aliases"] = list(method.aliases)
    if method.unsafe:
        described["x-unsafe"] = True
    notification = getattr(method, "notification", None)
    if notification is not None:
        described["x-notification"] = notification
        described["x-unsubscribe"] = list(getattr(method, "unsubscribe", ()))
    return described


def page(methods: Sequence[Method]) -> str:
    """The methods as a Markdown page, by section."""
    sections: dict[str, list[Method]] = {}
    for each in sorted(methods, key=lambda method: method.name):
        section = each.name.rpartition("_")[0] if "_v1_" in each.name else each.name.partition("_")[0]
        sections.setdefault(section, []).append(each)
    lines = ["# JSON-RPC methods", "", _INTRODUCTION]
    for name in sorted(sections):
        lines += ["", f"## {name}", ""]
        lines += [_line(each) for each in sections[name]]
    return "\n".join(lines) + "\n"


_INTRODUCTION = """Written from the method table; a test compares it. `rpc_discover` gives it as an OpenRPC
document. Parameters with `?` may be left out; *unsafe* methods follow `--rpc-methods`; `archive_v1` is served
by nodes that keep every state, and none of the `_v1_` groups under `--rpc-legacy-only`."""


def _line(method: Method) -> str:
    parameters = ", ".join(each.name + ("" if each.required else "?") for each in method.parameters)
    also = f" Also {', '.join(f'`{each}`' for each in method.aliases)}." if method.aliases else ""
    unsafe = " *Unsafe.*" if method.unsafe else ""
    ends = getattr(method, "unsubscribe", ())
    until = f" A subscription, until `{ends[0]}`." if ends else ""
    summary = " ".join(method.docs.partition("\n\n")[0].split())
    return f"- `{method.name}({parameters})`: {summary}{until}{also}{unsafe}"
