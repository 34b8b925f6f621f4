from recordings.models.consent import (
    Consent,
    ConsentPaper,
    ConsentPerson,
    ConsentWording,
    FamilyKey,
    NameList,
    Purpose,
    Withdrawal,
    WithdrawalLink,
)
from recordings.models.keeping import LegalHold, RetentionExtension, RetentionWarning
from recordings.models.recording import HeardInterval, Processing, Recording, SentInterval, TranscriptRun
from recordings.models.review import Annotation, Code, DraftScore, Reply, Review
from recordings.models.transcript import Redaction, ResearchExport, SpeechSettings, TranscriptEdit
from recordings.models.upload import Upload, UploadPart
from recordings.models.vault import DestructionCertificate, SealedObject, SealedText

__all__ = [
    "Annotation",
    "Code",
    "Consent",
    "ConsentPaper",
    "ConsentPerson",
    "ConsentWording",
    "DestructionCertificate",
    "DraftScore",
    "FamilyKey",
    "HeardInterval",
    "LegalHold",
    "NameList",
    "Processing",
    "Purpose",
    "Recording",
    "Redaction",
    "Reply",
    "ResearchExport",
    "RetentionExtension",
    "RetentionWarning",
    "Review",
    "SealedObject",
    "SealedText",
    "SentInterval",
    "SpeechSettings",
    "TranscriptEdit",
    "TranscriptRun",
    "Upload",
    "UploadPart",
    "Withdrawal",
    "WithdrawalLink",
]
