from supervision.models.cases import FamilyReference
from supervision.models.instruments import Instrument, Item, ItemScore, Rating
from supervision.models.people import Invitation, Membership, Programme, Team, User
from supervision.models.requirements import Evidence, Requirement, SessionAttendance, SupervisionSession

__all__ = [
    "Evidence",
    "FamilyReference",
    "Instrument",
    "Invitation",
    "Item",
    "ItemScore",
    "Membership",
    "Programme",
    "Rating",
    "Requirement",
    "SessionAttendance",
    "SupervisionSession",
    "Team",
    "User",
]
