"""The alphabets of GSM 03.38 and its national languages (3GPP 23.038 §6.2.1, annex A), septet by septet.

A table is a row of cells from 0x00 on, with blanks in between. A cell is:

1. a character, or its code point in hexadecimal;
2. a range of either, with ``-`` in between;
3. ``LF``, ``FF``, ``CR``, ``SP`` (blank) or ``ESC``;
4. ``..`` for a code without a character; a number in front stands for so many of them.

Many cells are code points, because combining marks cannot be read in a row, and because tools that normalise
text would alter some of these letters.
"""

import re

_NAMED = {"LF": "\n", "FF": "\f", "CR": "\r", "SP": " ", "ESC": "\x1b"}
_UNUSED = re.compile(r"([0-9]*)\.\.")
_RANGE = re.compile(r"([^-]+)-([^-]+)")
NONE = "\ufffe"  # no character; Python's charmap codec uses the same


def _read(table: str) -> str:
    """The 128 characters of a table, `NONE` for a code without a character."""
    text = "".join(map(_cell, table.split()))
    return text + NONE * (128 - len(text))


def _cell(cell: str) -> str:
    if cell in _NAMED:
        return _NAMED[cell]
    if unused := _UNUSED.fullmatch(cell):
        return NONE * int(unused[1] or 1)
    if among := _RANGE.fullmatch(cell):
        return "".join(map(chr, range(_code(among[1]), _code(among[2]) + 1)))
    return chr(_code(cell))


def _code(cell: str) -> int:
    return ord(cell) if len(cell) == 1 else int(cell, 16)


LANGUAGES = {
    "turkish": 1,
    "spanish": 2,
    "portuguese": 3,
    "bengali": 4,
    "gujarati": 5,
    "hindi": 6,
    "kannada": 7,
    "malayalam": 8,
    "oriya": 9,
    "punjabi": 10,
    "tamil": 11,
    "telugu": 12,
    "urdu": 13,
}
"""National language identifiers (3GPP 23.038 §6.2.1.2.4)."""

_LOCKING = {
    0: r"""
        @ £ $ ¥ è é ù ì ò Ç LF Ø ø CR Å å Δ _ Φ Γ Λ Ω Π Ψ Σ Θ Ξ ESC Æ æ ß É SP ! " # ¤ % & ' ( ) * +
        , - . / 0-9 : ; < = > ? ¡ A-Z Ä Ö Ñ Ü § ¿ a-z ä ö ñ ü à
    """,  # default
    1: r"""
        @ £ $ ¥ € é ù ı ò Ç LF Ğ ğ CR Å å Δ _ Φ Γ Λ Ω Π Ψ Σ Θ Ξ ESC Ş ş ß É SP ! " # ¤ % & ' ( ) * +
        , - . / 0-9 : ; < = > ? İ A-Z Ä Ö Ñ Ü § ç a-z ä ö ñ ü à
    """,  # turkish
    3: r"""
        @ £ $ ¥ ê é ú í ó ç LF Ô ô CR Á á Δ _ ª Ç À ∞ ^ \ € Ó | ESC Â â Ê É SP ! " # º % & ' ( ) * +
        , - . / 0-9 : ; < = > ? Í A-Z Ã Õ Ú Ü § ~ a-z ã õ ` ü à
    """,  # portuguese
    4: r"""
        0981-0983 0985-098B LF 098C .. CR .. 098F 0990 2.. 0993-099A ESC 099B-099E SP ! 099F-09A4 )
        ( 09A5 09A6 , 09A7 . 09A8 0-9 : ; .. 09AA 09AB ? 09AC-09B0 .. 09B2 3.. 09B6-09B9 09BC-09C4
        2.. 09C7 09C8 2.. 09CB-09CE a-z 09D7 09DC 09DD 09F0 09F1
    """,  # bengali
    5: r"""
        0A81-0A83 0A85-0A8B LF 0A8C 0A8D CR .. 0A8F-0A91 .. 0A93-0A9A ESC 0A9B-0A9E SP ! 0A9F-0AA4 )
        ( 0AA5 0AA6 , 0AA7 . 0AA8 0-9 : ; .. 0AAA 0AAB ? 0AAC-0AB0 .. 0AB2 0AB3 .. 0AB5-0AB9
        0ABC-0AC5 .. 0AC7-0AC9 .. 0ACB-0ACD 0AD0 a-z 0AE0-0AE3 0AF1
    """,  # gujarati
    6: r"""
        0901-0903 0905-090B LF 090C 090D CR 090E-091A ESC 091B-091E SP ! 091F-0924 ) ( 0925 0926 ,
        0927 . 0928 0-9 : ; 0929-092B ? 092C-0939 093C-094D 0950 a-z 0972 097B 097C 097E 097F
    """,  # hindi
    7: r"""
        .. 0C82 0C83 0C85-0C8B LF 0C8C .. CR 0C8E-0C90 .. 0C92-0C9A ESC 0C9B-0C9E SP ! 0C9F-0CA4 ) (
        0CA5 0CA6 , 0CA7 . 0CA8 0-9 : ; .. 0CAA 0CAB ? 0CAC-0CB3 .. 0CB5-0CB9 0CBC-0CC4 .. 0CC6-0CC8
        .. 0CCA-0CCD 0CD5 a-z 0CD6 0CE0-0CE3
    """,  # kannada
    8: r"""
        .. 0D02 0D03 0D05-0D0B LF 0D0C .. CR 0D0E-0D10 .. 0D12-0D1A ESC 0D1B-0D1E SP ! 0D1F-0D24 ) (
        0D25 0D26 , 0D27 . 0D28 0-9 : ; .. 0D2A 0D2B ? 0D2C-0D39 .. 0D3D-0D44 .. 0D46-0D48 ..
        0D4A-0D4D 0D57 a-z 0D60-0D63 0D79
    """,  # malayalam
    9: r"""
        0B01-0B03 0B05-0B0B LF 0B0C .. CR .. 0B0F 0B10 2.. 0B13-0B1A ESC 0B1B-0B1E SP ! 0B1F-0B24 )
        ( 0B25 0B26 , 0B27 . 0B28 0-9 : ; .. 0B2A 0B2B ? 0B2C-0B30 .. 0B32 0B33 .. 0B35-0B39
        0B3C-0B44 2.. 0B47 0B48 2.. 0B4B-0B4D 0B56 a-z 0B57 0B60-0B63
    """,  # oriya
    10: r"""
        0A01-0A03 0A05-0A0A .. LF 2.. CR .. 0A0F 0A10 2.. 0A13-0A1A ESC 0A1B-0A1E SP ! 0A1F-0A24 ) (
        0A25 0A26 , 0A27 . 0A28 0-9 : ; .. 0A2A 0A2B ? 0A2C-0A30 .. 0A32 0A33 .. 0A35 0A36 .. 0A38
        0A39 0A3C .. 0A3E-0A42 4.. 0A47 0A48 2.. 0A4B-0A4D 0A51 a-z 0A70-0A74
    """,  # punjabi
    11: r"""
        .. 0B82 0B83 0B85-0B8A .. LF 2.. CR 0B8E-0B90 .. 0B92-0B95 3.. 0B99 0B9A ESC .. 0B9C .. 0B9E
        SP ! 0B9F 3.. 0BA3 0BA4 ) ( 2.. , .. . 0BA8 0-9 : ; 0BA9 0BAA .. ? 2.. 0BAE-0BB9 2..
        0BBE-0BC2 3.. 0BC6-0BC8 .. 0BCA-0BCD 0BD0 a-z 0BD7 0BF0-0BF2 0BF9
    """,  # tamil
    12: r"""
        0C01-0C03 0C05-0C0B LF 0C0C .. CR 0C0E-0C10 .. 0C12-0C1A ESC 0C1B-0C1E SP ! 0C1F-0C24 ) (
        0C25 0C26 , 0C27 . 0C28 0-9 : ; .. 0C2A 0C2B ? 0C2C-0C33 .. 0C35-0C39 .. 0C3D-0C44 ..
        0C46-0C48 .. 0C4A-0C4D 0C55 a-z 0C56 0C60-0C63
    """,  # telugu
    13: r"""
        0627 0622 0628 067B 0680 067E 06A6 062A 06C2 067F LF 0679 067D CR 067A 067C 062B 062C 0681
        0684 0683 0685-0687 062D-062F ESC 068C 0688-068A SP ! 068F 068D 0630 0631 0691 0693 ) ( 0699
        0632 , 0696 . 0698 0-9 : ; 069A 0633 0634 ? 0635-0639 0641 0642 06A9-06AB 06AF 06B3 06B1
        0644-0646 06BA-06BC 0648 06C4 06D5 06C1 06BE 0621 06CC 06D0 06D2 064D 0650 064F 0657 0654
        a-z 0655 0651 0653 0656 0670
    """,  # urdu
}

LOCKING = {identifier: _read(table) for identifier, table in _LOCKING.items()}
"""Alphabets by identifier; 0 is the default one. 0x1B leads to the extension table."""

_SINGLE = {
    0: r"""
        10.. FF 9.. ^ 19.. { } 5.. \ 12.. [ ~ ] .. | 36.. €
    """,  # default
    1: r"""
        10.. FF 9.. ^ 19.. { } 5.. \ 12.. [ ~ ] .. | 6.. Ğ .. İ 9.. Ş 15.. ç .. € .. ğ .. ı 9.. ş
    """,  # turkish
    2: r"""
        9.. ç FF 9.. ^ 19.. { } 5.. \ 12.. [ ~ ] .. | Á 7.. Í 5.. Ó 5.. Ú 11.. á 3.. € 3.. í 5.. ó
        5.. ú
    """,  # spanish
    3: r"""
        5.. ê 3.. ç FF Ô ô .. Á á 2.. Φ Γ ^ Ω Π Ψ Σ Θ 5.. Ê 8.. { } 5.. \ 12.. [ ~ ] .. | À 7.. Í
        5.. Ó 5.. Ú 5.. Ã Õ 4.. Â 3.. € 3.. í 5.. ó 5.. ú 5.. ã õ 2.. â
    """,  # portuguese
}

# What the extension tables of India and Pakistan have in common, at 0x00-0x18 and from 0x40 on ...
_SIGNS = """
    @ £ $ ¥ ¿ " ¤ % & ' FF * + .. - / < = > ¡ ^ ¡ _ # *
"""
_CAPITALS = """
    | A-Z 10.. €
"""
# ... and what each has between those.
_BETWEEN = {
    4: r"""
        09E6 09E7 .. 09E8-09EF 09DF-09E2 { } 09E3 09F2-09F5 \ 09F6-09FA 7.. [ ~ ] ..
    """,  # bengali
    5: r"""
        0964 0965 .. 0AE6-0AEF 2.. { } 5.. \ 12.. [ ~ ] ..
    """,  # gujarati
    6: r"""
        0964 0965 .. 0966-096F 0951 0952 { } 0953 0954 0958-095A \ 095B-0963 0970 0971 .. [ ~ ] ..
    """,  # hindi
    7: r"""
        0964 0965 .. 0CE6-0CEF 0CDE 0CF1 { } 0CF2 4.. \ 12.. [ ~ ] ..
    """,  # kannada
    8: r"""
        0964 0965 .. 0D66-0D71 { } 0D72-0D75 0D7A \ 0D7B-0D7F 7.. [ ~ ] ..
    """,  # malayalam
    9: r"""
        0964 0965 .. 0B66-0B6F 0B5C 0B5D { } 0B5F 0B70 0B71 2.. \ 12.. [ ~ ] ..
    """,  # oriya
    10: r"""
        0964 0965 .. 0A66-0A6F 0A59 0A5A { } 0A5B 0A5C 0A5E 0A75 .. \ 12.. [ ~ ] ..
    """,  # punjabi
    11: r"""
        0964 0965 .. 0BE6-0BEF 0BF3 0BF4 { } 0BF5-0BF8 0BFA \ 12.. [ ~ ] ..
    """,  # tamil
    12: r"""
        3.. 0C66-0C6F 0C58 0C59 { } 0C78-0C7C \ 0C7D-0C7F 9.. [ ~ ] ..
    """,  # telugu
    13: r"""
        0600 0601 .. 06F0-06F9 060C 060D { } 060E-0612 \ 0613 0614 061B 061F 0640 0652 0658 066B
        066C 0672 0673 06CD [ ~ ] 06D4
    """,  # urdu
}

SINGLE = {
    **{identifier: _read(table) for identifier, table in _SINGLE.items()},
    **{identifier: _read(_SIGNS + table + _CAPITALS) for identifier, table in _BETWEEN.items()},
}
"""Extension tables by identifier: the characters of the codes that may follow an escape."""
