from recordings.models.consent import Consent, ConsentPerson, ConsentWording, Purpose, Withdrawal
from recordings.models.recording import HeardInterval, Processing, Recording, TranscriptRun
from recordings.models.review import Annotation, Code, DraftScore, Reply, Review
from recordings.models.vault import DestructionCertificate, SealedObject, SealedText

__all__ = [
    "Annotation",
    "Code",
    "Consent",
    "ConsentPerson",
    "ConsentWording",
    "DestructionCertificate",
    "DraftScore",
    "HeardInterval",
    "Processing",
    "Purpose",
    "Recording",
    "Reply",
    "Review",
    "SealedObject",
    "SealedText",
    "TranscriptRun",
    "Withdrawal",
]
