"""The OpenRPC document and the page of methods say what the table serves.

`python -m tests.chain.rpc.test_documentation` writes the page anew.
"""

import tempfile
from pathlib import Path

from network.rpc.openrpc import page
from tests.chain.rpc.support import Rpc

PAGE = Path(__file__).resolve().parents[3] / "docs" / "rpc.md"


async def test_the_document_lists_every_method_with_its_parameters(rpc: Rpc) -> None:
    found = await rpc.call("rpc_discover")
    assert found["openrpc"] == "1.3.2"
    listed = {each["name"]: each for each in found["methods"]}
    assert list(listed) == sorted(method.name for method in rpc.table.declared)
    assert listed["state_getStorage"]["x-aliases"] == ["state_getStorageAt"]
    assert [each["name"] for each in listed["state_getKeysPaged"]["params"] if each["required"]] == ["count"]
    assert listed["author_rotateKeys"]["x-unsafe"]
    assert listed["chainHead_v1_follow"]["x-notification"] == "chainHead_v1_followEvent"
    assert listed["chainHead_v1_follow"]["x-unsubscribe"] == ["chainHead_v1_unfollow"]
    names = {name for each in found["methods"] for name in (each["name"], *each.get("x-aliases", ()))}
    ends = {name for each in found["methods"] for name in each.get("x-unsubscribe", ())}
    assert names | ends == set((await rpc.call("rpc_methods"))["methods"])


async def test_every_method_says_what_it_is_for(rpc: Rpc) -> None:
    assert all(each["summary"] for each in (await rpc.call("rpc_discover"))["methods"])


def test_the_page_is_that_of_the_table(rpc: Rpc) -> None:
    assert PAGE.read_text() == page(rpc.table.declared), "python -m tests.chain.rpc.test_documentation"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(page(Rpc(Path(folder)).table.declared))
