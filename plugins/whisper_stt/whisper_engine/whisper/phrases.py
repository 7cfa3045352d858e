"""What Whisper is known to say over sounds that are no speech: a small bag of hallucinations.

Learnt from subtitles of videos. Reports: openai/whisper discussions 679 and 928; counted by kind of
sound in Barański et al., *Investigation of Whisper ASR Hallucinations Induced by Non-Speech Audio*,
ICASSP 2025 (arXiv:2501.11378).
"""

import re
from collections.abc import Iterable
from enum import Enum, auto
from functools import lru_cache

from whisper_engine.whisper.loops import is_of_word


class Phrase(Enum):
    SIGN_OFF = auto()
    """Said to those who watch a video, not into a telephone."""
    COURTESY = auto()
    """Said by callers too."""


# One list for all languages: over noise the language is often wrong as well.
_SIGN_OFFS = (
    "amara.org",
    "thanks for watching",
    "thank you for watching",
    "thank you so much for watching",
    "please subscribe",
    "please subscribe to my channel",
    "like and subscribe",
    "don't forget to like and subscribe",
    "see you in the next video",
    "I'll see you in the next video",
    "I'll see you next time",
    "subtitles by the amara.org community",
    "subs by www.zeoranger.co.uk",
    "untertitel der amara.org-community",
    "untertitelung aufgrund der amara.org-community",
    "untertitel im auftrag des zdf",
    "untertitel im auftrag des zdf für funk",
    "untertitel von stephanie geiges",
    "vielen dank fürs zuschauen",
    "danke fürs zuschauen",
    "bis zum nächsten mal",
    "sous-titres réalisés par la communauté d'amara.org",
    "sous-titres réalisés para la communauté d'amara.org",
    "sous-titrage société radio-canada",
    "sous-titrage st' 501",
    "merci d'avoir regardé",
    "merci d'avoir regardé cette vidéo",
    "abonnez-vous",
    "subtítulos realizados por la comunidad de amara.org",
    "subtítulos por la comunidad de amara.org",
    "gracias por ver el video",
    "gracias por ver el vídeo",
    "suscríbete al canal",
    "sottotitoli creati dalla comunità amara.org",
    "sottotitoli e revisione a cura di qtss",
    "grazie per la visione",
    "grazie per aver guardato il video",
    "legendas pela comunidade amara.org",
    "obrigado por assistir",
    "inscreva-se no canal",
    "ondertiteld door de amara.org gemeenschap",
    "ondertitels ingediend door de amara.org gemeenschap",
    "bedankt voor het kijken",
    "napisy stworzone przez społeczność amara.org",
    "dziękuję za oglądanie",
    "продолжение следует",
    "спасибо за просмотр",
    "субтитры сделал dimatorzok",
    "субтитры создавал dimatorzok",
    "altyazı m.k.",  # noqa: RUF001 - the letter is Turkish
    "izlediğiniz için teşekkür ederim",
    "izlediğiniz için teşekkürler",
    "ご視聴ありがとうございました",
    "最後までご視聴いただきありがとうございました",
    "チャンネル登録をよろしくお願いします",
    "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
    "字幕由amara.org社区提供",
    "由 amara.org 社群提供的字幕",
    "谢谢观看",
    "感谢观看",
    "시청해주셔서 감사합니다",
    "구독과 좋아요 부탁드립니다",
)

# No word for yes or no among them: too short to be sure of, and too dear to lose.
_COURTESIES = {
    "en": ("thank you", "thank you very much", "thank you so much", "thanks", "you", "bye", "goodbye"),
    "de": ("vielen dank", "danke", "danke schön", "tschüss", "bis bald"),
    "es": ("gracias", "muchas gracias", "adiós", "hasta luego"),
    "fr": ("merci", "merci beaucoup", "merci à tous", "au revoir"),
    "it": ("grazie", "grazie mille", "ciao", "arrivederci"),
    "pt": ("obrigado", "obrigada", "muito obrigado", "tchau", "até logo"),
    "nl": ("dank u wel", "dank je wel", "bedankt", "tot ziens"),
    "pl": ("dziękuję", "dziękuję bardzo", "do widzenia"),
    "ru": ("спасибо", "до свидания", "пока"),
    "tr": ("teşekkür ederim", "teşekkürler", "görüşürüz"),
    "ja": ("ありがとうございました", "ありがとうございます", "おやすみなさい"),
    "zh": ("谢谢", "谢谢大家", "再见"),
    "ko": ("감사합니다", "고맙습니다"),
}  # fmt: skip


_DOT = "\u0307"
"""What is left over a Turkish I in lower case."""


def phrase_of(text: str, language: str) -> Phrase | None:
    """What `text` is when it is made of such phrases and of nothing else.

    Case, spaces and punctuation do not matter. One courtesy makes the whole a courtesy.
    """
    signs = _signs(text)
    if _only(Phrase.SIGN_OFF, "").fullmatch(signs):
        return Phrase.SIGN_OFF
    return Phrase.COURTESY if _only(Phrase.COURTESY, language).fullmatch(signs) else None


@lru_cache
def _only(phrase: Phrase, language: str) -> re.Pattern[str]:
    known: Iterable[str] = _SIGN_OFFS
    if phrase is Phrase.COURTESY:
        known = [*known, *_COURTESIES.get(language, ())]
    longest_first = sorted({_signs(one) for one in known}, key=len, reverse=True)
    # Atomic and possessive: a long text of short phrases must not be tried in every division.
    return re.compile(f"(?>{'|'.join(map(re.escape, longest_first))})++")


def _signs(text: str) -> str:
    plain = text.casefold().replace(_DOT, "")
    return "".join(sign for sign in plain if is_of_word(sign))
