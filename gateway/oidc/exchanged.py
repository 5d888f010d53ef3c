"""What an exchanged token may say of a person's rights: those in one structure (RFC 8693; DECISIONS 10)."""

from dataclasses import replace

from gateway.oidc.claims import Rights


def in_structure(rights: Rights, structure_id: str) -> Rights:
    """What is held there; nothing at all when nothing is."""
    held = tuple(structure for structure in rights.structures if structure.id == structure_id)
    return replace(rights, structures=held, active=structure_id)
