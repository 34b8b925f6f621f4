from supervision.models.cases import FamilyReference
from supervision.models.development import BoosterTopic, DevelopmentGoal
from supervision.models.instruments import DerivedScore, Instrument, Item, Section
from supervision.models.measures import ScoreReport
from supervision.models.people import Invitation, Membership, Programme, Team, User
from supervision.models.ratings import ItemScore, Rating
from supervision.models.requirements import Evidence, Requirement, SessionAttendance, SupervisionSession

__all__ = [
    "BoosterTopic",
    "DerivedScore",
    "DevelopmentGoal",
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
    "ScoreReport",
    "Section",
    "SessionAttendance",
    "SupervisionSession",
    "Team",
    "User",
]
