"""The method table: declared once, found under every name."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from network.rpc import Context, Json, MethodTable, RpcError, method, subscription
from network.rpc.methods import Method, Subscribe, Unsubscribe
from network.rpc.parameters import U8, BlockHash, Hex


class Section:
    @method("chain_getHeader", aliases=("chain_header",))
    def header(self, hash: BlockHash | None = None) -> Json:
        """The header of a block."""
        return hash

    @method("state_call", worker=True, unsafe=True)
    def call(self, context: Context, name: str, data: Hex, at: BlockHash | None) -> Json:
        return [name, data, at]

    @subscription(
        "chain_subscribeNewHeads",
        unsubscribe="chain_unsubscribeNewHeads",
        notification="chain_newHead",
        aliases=("chain_subscribeNewHead",),
        unsubscribe_aliases=("chain_unsubscribeNewHead",),
    )
    async def heads(self) -> AsyncIterator[Json]:
        yield 1


TABLE = MethodTable(Section())


def found(name: str) -> Method:
    entry = TABLE.find(name)
    assert isinstance(entry, Method)
    return entry


def test_rpc_methods_lists_every_name_and_alias_sorted() -> None:
    assert TABLE.names()["methods"] == [
        "chain_getHeader",
        "chain_header",
        "chain_subscribeNewHead",
        "chain_subscribeNewHeads",
        "chain_unsubscribeNewHead",
        "chain_unsubscribeNewHeads",
        "rpc_discover",
        "rpc_methods",
        "state_call",
    ]


def test_an_alias_is_the_same_method_and_each_is_declared_once() -> None:
    assert TABLE.find("chain_header") is TABLE.find("chain_getHeader")
    assert TABLE.find("chain_nothing") is None
    assert TABLE.find("chain_unsubscribeNewHead") == Unsubscribe("chain_subscribeNewHeads")
    assert [declared.name for declared in TABLE.declared] == [
        "rpc_methods",
        "rpc_discover",
        "chain_getHeader",
        "state_call",
        "chain_subscribeNewHeads",
    ]


def test_a_declaration_carries_docs_parameters_and_flags() -> None:
    header, call = found("chain_getHeader"), found("state_call")
    assert header.docs == "The header of a block."
    assert (header.unsafe, header.worker, header.wants_context) == (False, False, False)
    assert (call.unsafe, call.worker, call.wants_context) == (True, True, True)
    assert [(p.name, p.required) for p in call.parameters] == [("name", True), ("data", True), ("at", False)]
    subscribe = found("chain_subscribeNewHeads")
    assert isinstance(subscribe, Subscribe)
    assert subscribe.notification == "chain_newHead"


def test_arguments_are_decoded_by_position_with_defaults() -> None:
    assert found("chain_getHeader").decode(()) == (None,)
    assert found("state_call").decode(("f", "0x01")) == ("f", b"\x01", None)
    assert found("state_call").decode(("f", "01", None)) == ("f", b"\x01", None)


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ((), "parameter 1 (name) is missing"),
        (("f",), "parameter 2 (data) is missing"),
        (("f", "0xq0"), "parameter 2 (data): expected hex digits, got '0xq0'"),
        ((None, "00"), "parameter 1 (name): expected a string, got null"),
        (("f", "00", "11" * 32, 1), "state_call takes at most 3 parameters, got 4"),
    ],
)
def test_wrong_parameters_are_named(params: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(RpcError) as caught:
        found("state_call").decode(params)
    assert (caught.value.code, caught.value.message, caught.value.data) == (
        -32602,
        "Invalid params",
        complaint,
    )


def test_a_name_can_be_declared_only_once() -> None:
    class Again:
        @method("x", aliases=("chain_getHeader",))
        def again(self) -> Json:
            return None

    with pytest.raises(ValueError, match="chain_getHeader is declared twice"):
        MethodTable(Section(), Again())


def test_handlers_that_cannot_be_served_are_refused_when_the_table_is_built() -> None:
    class Untyped:
        @method("x")
        def handler(self, value) -> Json:  # type: ignore[no-untyped-def]
            return value

    class Unknown:
        @method("x")
        def handler(self, value: bytes) -> Json:
            return value

    class AsyncWorker:
        @method("x", worker=True)
        async def handler(self, value: U8) -> Json:
            return value

    for section, complaint in (
        (Untyped(), "parameter value has no annotation"),
        (Unknown(), "parameter value: no JSON parameter"),
        (AsyncWorker(), "plain function"),
    ):
        with pytest.raises(TypeError, match=complaint):
            MethodTable(section)


def test_a_section_inherits_declarations_and_may_override_the_handler() -> None:
    class Special(Section):
        def header(self, hash: BlockHash | None = None) -> Json:
            return "special"

    class Redeclared(Section):
        @method("chain_getHeader")
        def header(self, hash: BlockHash | None = None) -> Json:
            return "redeclared"

    entry = MethodTable(Redeclared()).find("chain_getHeader")
    assert isinstance(entry, Method)
    assert entry.handler() == "redeclared"
    with pytest.raises(TypeError, match="overrides a declared handler"):
        MethodTable(Special())
