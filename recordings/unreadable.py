"""Why a file is not taken as a recording: each a sentence for the person who sent it."""

NOT_AUDIO = "This is not an audio file Plumbline can read. Send the recording as WAV, MP3, M4A, AAC, OGG or Opus, FLAC, WebM or MP4."
EMPTY = "This file is empty. Check the recording on the device and send it again."
DAMAGED = "This file is damaged and cannot be played. Check that it plays on the device, then send it again."
NO_TRACK = "This video has no sound in it. Send a recording with sound."
SILENT = "Nothing can be heard in this recording. Check that the microphone was on and send another recording."
NO_FFMPEG = "Plumbline cannot find ffmpeg. Install ffmpeg on the server, or the Python package imageio-ffmpeg."
TOO_SLOW = "This recording took too long to read, so it was stopped. Save it as MP3 or M4A and send it again."
NEEDS_LINUX = "Video can only be taken in by a server that runs Linux, where it need not touch a disk. Send the sound alone."
ELSEWHERE = "This file points to sound or pictures in other files. Save it as one file that holds everything, and send that."
TOO_MANY_TRACKS = "This file has more tracks than a recording needs. Save it with one picture and one sound track, and send it again."
TOO_LARGE_A_PICTURE = "The picture of this video is larger than 4K. Save it at 1080p or less and send it again."
TOO_MANY_FRAMES = "This video has more than 120 pictures a second. Save it at normal speed, 25 or 30 a second, and send it again."
NO_PICTURE = "The picture of this video could not be read. The sound is kept."
TOO_BIG_A_PICTURE = "The picture of this video is too long to keep. The sound is kept."


class UnreadableAudio(Exception):
    """The text is a sentence for the person who sent the file.

    `code` is one of: empty, not_audio, damaged, no_sound, too_short, too_long, too_slow, elsewhere, tracks, picture, no_ffmpeg.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code
