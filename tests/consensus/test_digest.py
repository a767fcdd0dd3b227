from pathlib import Path

import pytest

from consensus.authorities import Authority
from consensus.digest import (
    BABE,
    CONSENSUS_LOG,
    PRE_DIGEST,
    ConfigV1,
    NextConfigData,
    NextEpochData,
    OnDisabled,
    PrimaryPreDigest,
    SecondaryPlainPreDigest,
    SecondaryVrfPreDigest,
    consensus_item,
    consensus_logs,
    find_pre_digest,
    pre_digest_item,
    proof_field,
    proof_of,
    slot_of_header,
)
from consensus.epoch import AllowedSlots
from consensus.faults import HeaderFault, InvalidHeader
from runtime.primitives.digest import Consensus, Other, PreRuntime
from runtime.primitives.header import Header
from tests.consensus.builders import GENESIS, child, key

PLAIN = SecondaryPlainPreDigest(1, 2)
THIRD_PARTY = Path(__file__).parents[3] / "shared" / "vectors" / "third_party"


def test_pre_digests_have_substrates_bytes() -> None:
    vrf_part = bytes([7]) * 32 + bytes([8]) * 64
    indices = bytes.fromhex("01000000" + "0200000000000000")
    assert (
        PRE_DIGEST.encode(PrimaryPreDigest(1, 2, vrf_part[:32], vrf_part[32:]))
        == b"\x01" + indices + vrf_part
    )
    assert PRE_DIGEST.encode(PLAIN) == b"\x02" + indices
    assert (
        PRE_DIGEST.encode(SecondaryVrfPreDigest(1, 2, vrf_part[:32], vrf_part[32:]))
        == b"\x03" + indices + vrf_part
    )


def test_announcements_have_substrates_bytes() -> None:
    epoch = NextEpochData((Authority(bytes([5]) * 32, 1),), bytes([6]) * 32)
    encoded = b"\x01\x04" + bytes([5]) * 32 + bytes.fromhex("0100000000000000") + bytes([6]) * 32
    assert CONSENSUS_LOG.encode(epoch) == encoded
    assert CONSENSUS_LOG.encode(OnDisabled(3)) == b"\x02\x03\x00\x00\x00"
    config = NextConfigData(ConfigV1((1, 4), AllowedSlots.PrimaryAndSecondaryVRFSlots))
    assert CONSENSUS_LOG.encode(config).hex() == "0301" + "0100000000000000" + "0400000000000000" + "02"


@pytest.mark.skipif(not THIRD_PARTY.is_dir(), reason="third-party headers lie beside the repository only")
@pytest.mark.parametrize(("name", "slot", "kind"), [("kusama-7472481", 270170680, SecondaryPlainPreDigest)])
def test_a_real_header_with_an_epoch_change_is_understood(name: str, slot: int, kind: type) -> None:
    header = Header.decode((THIRD_PARTY / f"smoldot_header-{name}.bin").read_bytes())
    pre_digest = find_pre_digest(header)
    assert (pre_digest.slot, type(pre_digest)) == (slot, kind)
    assert sum(isinstance(log, NextEpochData) for log in consensus_logs(header)) == 1


def test_a_header_tells_its_slot_and_genesis_has_none() -> None:
    assert slot_of_header(child(GENESIS, pre_digest_item(PLAIN))) == 2
    assert slot_of_header(GENESIS) is None


def test_items_of_other_engines_are_passed_over() -> None:
    foreign = (PreRuntime(b"aura", b"?"), Consensus(b"FRNK", b"?"), Other(b"?"))
    header = child(GENESIS, *foreign, pre_digest_item(PLAIN), consensus_item(OnDisabled(3)))
    assert find_pre_digest(header) == PLAIN
    assert consensus_logs(header) == (OnDisabled(3),)


def test_a_header_without_exactly_one_sound_claim_is_refused() -> None:
    item = pre_digest_item(PLAIN)
    bad_logs = [
        ((), HeaderFault.PRE_DIGEST_MISSING),
        ((PreRuntime(b"aura", item.data),), HeaderFault.PRE_DIGEST_MISSING),
        ((item, item), HeaderFault.PRE_DIGEST_REPEATED),
        ((PreRuntime(BABE, item.data + b"\0"),), HeaderFault.PRE_DIGEST_MALFORMED),
        ((PreRuntime(BABE, item.data[:-1]),), HeaderFault.PRE_DIGEST_MALFORMED),
        ((PreRuntime(BABE, b"\x00" + item.data[1:]),), HeaderFault.PRE_DIGEST_MALFORMED),
    ]
    for logs, reason in bad_logs:
        with pytest.raises(InvalidHeader) as caught:
            find_pre_digest(child(GENESIS, *logs))
        assert caught.value.reason is reason


def test_announcements_that_do_not_decode_or_repeat_are_refused() -> None:
    epoch = consensus_item(NextEpochData((Authority(key(1).public, 1),), bytes(32)))
    for logs, reason in [
        ((Consensus(BABE, b"\x09"),), HeaderFault.LOG_MALFORMED),
        ((epoch, epoch), HeaderFault.LOG_REPEATED),
    ]:
        with pytest.raises(InvalidHeader) as caught:
            consensus_logs(child(GENESIS, *logs))
        assert caught.value.reason is reason
    twice = consensus_item(OnDisabled(1)), consensus_item(OnDisabled(2))
    assert consensus_logs(child(GENESIS, *twice)) == (OnDisabled(1), OnDisabled(2))


def test_the_proof_field_carries_the_challenge_padded_and_nothing_in_the_padding() -> None:
    proof = key(1).prove(b"alpha")
    field = proof_field(proof)
    claim = PrimaryPreDigest(0, 1, proof.gamma, field)
    assert proof_of(claim) == proof
    with pytest.raises(InvalidHeader) as caught:
        proof_of(PrimaryPreDigest(0, 1, proof.gamma, field[:31] + b"\x01" + field[32:]))
    assert caught.value.reason is HeaderFault.VRF
