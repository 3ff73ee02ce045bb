"""RFC 6962: against its reference vectors, and against the definition, written as it is read."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantry.ledger.audit.tree import (
    Frontier,
    consistency_proof,
    hash_leaf,
    inclusion_proof,
    is_consistent,
    is_included,
    root_of,
)

# The inputs and roots of the reference implementation (certificate-transparency).
CONTENTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [hash_leaf(content) for content in CONTENTS]

hashes_lists = st.lists(st.binary(min_size=32, max_size=32), max_size=70, unique=True)
FOREIGN = sha256(b"of another tree").digest()


def oracle(hashes: Sequence[bytes]) -> bytes:
    """Section 2.1, word for word."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return sha256(b"\x01" + oracle(hashes[:split]) + oracle(hashes[split:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_root_is_that_of_the_reference(size: int) -> None:
    assert root_of(HASHES[:size]).hex() == ROOTS[size]


def test_proofs_are_those_of_the_reference() -> None:
    assert [node.hex()[:16] for node in inclusion_proof(HASHES, index=0)] == [
        "96a296d224f285c6",
        "5f083f0a1a33ca07",
        "6b47aaf29ee3c2af",
    ]
    assert [node.hex()[:16] for node in consistency_proof(HASHES, old_size=6)] == [
        "0ebc5d3437fbe2db",
        "ca854ea128ed050b",
        "d37ee418976dd957",
    ]


@given(hashes_lists)
def test_root_is_that_of_the_definition(hashes: list[bytes]) -> None:
    assert root_of(hashes) == oracle(hashes)


@given(hashes_lists, st.data())
def test_growth_in_any_steps_gives_the_same_tree(hashes: list[bytes], data: st.DataObject) -> None:
    frontier = Frontier()
    while frontier.size < len(hashes):
        step = data.draw(st.integers(1, len(hashes) - frontier.size))
        frontier = frontier.extended(hashes[frontier.size : frontier.size + step])
        frontier = Frontier.unpacked(size=frontier.size, nodes=frontier.packed())
        assert frontier.root() == oracle(hashes[: frontier.size])


@given(hashes_lists.filter(bool), st.data())
def test_inclusion_is_proven_for_its_own_place_only(
    hashes: list[bytes], data: st.DataObject
) -> None:
    size = len(hashes)
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, size + 1).filter(lambda place: place != index))
    proof, root, leaf = inclusion_proof(hashes, index=index), oracle(hashes), hashes[index]
    assert is_included(leaf=leaf, index=index, size=size, proof=proof, root=root)
    assert not is_included(leaf=leaf, index=other, size=size, proof=proof, root=root)
    assert not is_included(leaf=FOREIGN, index=index, size=size, proof=proof, root=root)
    assert not is_included(leaf=leaf, index=index, size=size, proof=[*proof, leaf], root=root)
    assert not proof or not is_included(
        leaf=leaf, index=index, size=size, proof=proof[:-1], root=root
    )


@given(hashes_lists.filter(bool), st.data())
def test_consistency_is_proven_for_true_beginnings_only(
    hashes: list[bytes], data: st.DataObject
) -> None:
    size = len(hashes)
    old_size = data.draw(st.integers(1, size))
    proof = consistency_proof(hashes, old_size=old_size)
    old_root, root = oracle(hashes[:old_size]), oracle(hashes)

    def holds(old: bytes = old_root, new: bytes = root, nodes: Sequence[bytes] = proof) -> bool:
        return is_consistent(old_size=old_size, old_root=old, size=size, root=new, proof=nodes)

    assert holds()
    assert not holds(old=FOREIGN)
    assert not holds(new=FOREIGN)
    assert not holds(nodes=[*proof, root])
    assert not proof or not holds(nodes=proof[:-1])


def test_proofs_of_what_is_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="leaf 8 is not in a tree of 8"):
        inclusion_proof(HASHES, index=8)
    with pytest.raises(ValueError, match="a tree of 9 is not the beginning"):
        consistency_proof(HASHES, old_size=9)
    assert not is_consistent(old_size=0, old_root=b"", size=8, root=b"", proof=[])
    assert not is_consistent(old_size=3, old_root=b"", size=8, root=b"", proof=[])


def test_frontier_of_a_wrong_size_is_refused() -> None:
    with pytest.raises(ValueError, match="a tree of 3 leaves has 2 perfect subtrees"):
        Frontier.unpacked(size=3, nodes=b"\0" * 32)
