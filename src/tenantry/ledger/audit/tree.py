"""The Merkle tree of RFC 6962 section 2.1: roots, growth in O(log n) state, and proofs.

A tree of n leaves splits at the largest power of two below n. Leaves and nodes are hashed with
different prefixes, so that neither can be passed off as the other. Nothing here does I/O.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

HASH_BYTES = 32
LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"
EMPTY_ROOT = sha256(b"").digest()


def hash_leaf(content: bytes) -> bytes:
    """Return the hash of a leaf with this content."""
    return sha256(LEAF_PREFIX + content).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node above two others."""
    return sha256(NODE_PREFIX + left + right).digest()


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """All that is needed to grow a tree: its size, and the roots of its perfect subtrees.

    The subtrees stand from left to right; their sizes are the binary digits of `size`.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a number of nodes that no tree of this size has."""
        if len(self.nodes) != self.size.bit_count():
            reason = f"a tree of {self.size} leaves has {self.size.bit_count()} perfect subtrees"
            raise ValueError(reason)

    def extended(self, hashes: Iterable[bytes]) -> "Frontier":
        """Return the frontier after more leaves, given by their hashes."""
        nodes, size = list(self.nodes), self.size
        for leaf in hashes:
            node, carry = leaf, size
            while carry & 1:
                node = sha256(NODE_PREFIX + nodes.pop() + node).digest()
                carry >>= 1
            nodes.append(node)
            size += 1
        return Frontier(size=size, nodes=tuple(nodes))

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        if not self.nodes:
            return EMPTY_ROOT
        root = self.nodes[-1]
        for node in reversed(self.nodes[:-1]):
            root = hash_node(node, root)
        return root

    def packed(self) -> bytes:
        """Return the nodes as one text of bytes, for storage beside the size."""
        return b"".join(self.nodes)

    @classmethod
    def unpacked(cls, *, size: int, nodes: bytes) -> "Frontier":
        """Read the stored form; a ValueError where the two do not fit together."""
        cut = range(0, len(nodes), HASH_BYTES)
        return cls(size=size, nodes=tuple(nodes[at : at + HASH_BYTES] for at in cut))


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return the root of a tree with these leaf hashes."""
    return Frontier().extended(hashes).root()


def inclusion_proof(hashes: Sequence[bytes], *, index: int) -> list[bytes]:
    """Return the nodes that lead from one leaf to the root, lowest first (2.1.1)."""
    if not 0 <= index < len(hashes):
        reason = f"leaf {index} is not in a tree of {len(hashes)}"
        raise ValueError(reason)
    proof: list[bytes] = []
    low, high = 0, len(hashes)
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            proof.append(root_of(hashes[middle:high]))
            high = middle
        else:
            proof.append(root_of(hashes[low:middle]))
            low = middle
    return proof[::-1]


def is_included(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether a proof shows this leaf hash at this place of the tree with this root."""
    if not 0 <= index < size:
        return False
    node, place, last = leaf, index, size - 1
    for sibling in proof:
        if not last:
            return False
        if place & 1 or place == last:
            node = hash_node(sibling, node)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            node = hash_node(node, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and node == root


def consistency_proof(hashes: Sequence[bytes], *, old_size: int) -> list[bytes]:
    """Return the nodes that show that a tree is a smaller one plus more leaves (2.1.2)."""
    if not 0 < old_size <= len(hashes):
        reason = f"a tree of {old_size} is not the beginning of a tree of {len(hashes)}"
        raise ValueError(reason)
    proof: list[bytes] = []
    low, high = 0, len(hashes)
    # Whether the old tree's part of the present range is the old tree itself: its root is known.
    is_old_root = True
    while old_size != high:
        middle = low + _split(high - low)
        if old_size <= middle:
            proof.append(root_of(hashes[middle:high]))
            high = middle
        else:
            proof.append(root_of(hashes[low:middle]))
            low, is_old_root = middle, False
    if not is_old_root:
        proof.append(root_of(hashes[low:high]))
    return proof[::-1]


def is_consistent(
    *, old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether a proof shows that the larger tree begins with the smaller one."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    nodes = list(proof)
    if old_size.bit_count() == 1:
        nodes.insert(0, old_root)
    if not nodes:
        return False
    place, last = old_size - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if not last:
            return False
        if place & 1 or place == last:
            old, new = hash_node(node, old), hash_node(node, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = hash_node(new, node)
        place, last = place >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _split(size: int) -> int:
    """Return the largest power of two below a size of at least 2."""
    return 1 << ((size - 1).bit_length() - 1)
