"""The bits that describe a text: fewer for a text that people write, more for a wrong decoding.

Words with letters beyond ASCII are priced by their spelling (core.cases.letters), characters of
Japanese, Chinese and Korean by how common they are, signs by their neighbours. Knows no file.
"""

import re
from collections import Counter
from dataclasses import dataclass
from itertools import groupby

from core.cases.letters import best_spelling, is_letter, katakana_bits

ASCII_BITS = 4.5  # of a character that every reading has in common
# More bits per character than any text of a language that is known here: letters of words, others.
IMPLAUSIBLE = (5.3, 12.0)
UNUSED = 0.2  # share of letters beyond ASCII that the language of a text does not use
UNPAIRED = 9.0  # of a quote without its other half
ALONE = 18.0  # of a half-width katakana that is no word: a sign of another encoding
SLACK = 8.0  # bits by which a text of a few characters may exceed that
_WEST = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽž]")
# l’eau, dell’olio, aujourd’hui; won’t, we’re, o’clock. Names take any ending: Ankara’da.
_APOSTROPHE = re.compile(r"(?<![^\W_])([a-zß-ÿ]\w*)’([^\W\d_]+)")
_ELIDED = re.compile(r"\w\w?|(?:jus|lors|puis|quoi|pres|quel)qu|aujourd|entr|quest|gran|\w*ll")
_CONTRACTED = re.compile(r"[stdmnSTDM]|re|ve|ll|er|en|clock|\w{1,2}")
_OPENING, _CLOSING = frozenset("“„«‘"), frozenset("”“»’")
_SIGNS = frozenset("–—•€£°§©®™½¼¾·\xa0")
_KANJI = frozenset(  # the kanji that most business and maintenance texts are made of
    "株式公司製造営業販売郵便宅配便銀行座口券証録音声動静止禁煙火災害虫駆鳥獣魚肉菜果米麦粉糖塩茶酒"
    "一二三四五六七八九十百千万円年月日時分秒上下左右前後内外中間大小高低長短新旧古多少全部品"
    "番号機械設備工場作業員者人名社会務課係所店電気力動起停止運転開始終了完未済発生異常音振温"
    "度圧油水漏交換修理点検清掃給脂調整確認取付破損折曲割欠亀裂摩耗腐食錆緩締固着詰閉塞不良故"
    "障原因対策処置状態結果報告連絡依頼指示図書類件容説明考受登録管担当責任氏住話題問合回答返"
    "金額費用価格税込支払請求注文出荷入在庫数量単位計算平均最初期定変更追加削除表画面操方法手"
    "順必要可能無有正誤保存索選択項目情資料通知予実施績標進捗評質安衛環境車両窓室扉鍵灯球配弁"
    "軸歯輪板棒線端子盤箱蓋口穴側底先根元本体系統装器具材鉄鋼銅樹布紙木石土砂銀色赤青黄白黒緑"
    "強弱速遅早近遠深浅広狭重軽熱冷凍乾湿光暗規切替接続断過負警解再現頻程毎々午朝昼夜東京阪市"
    "区町村県道国山川田林森野島崎藤井橋佐伊吉松竹梅学校教育試験律条約契至急優緊休延滞納限次昇"
    "降旋縮膨張伸収集積載台座席背腕脚爪刃柄握押引抜差挿脱私彼何今来行見言思飲立使持待歩走送為"
    "事物様同別他自己以等第達化的性心足耳"
)
_HANZI = frozenset(  # the most frequent characters of Chinese, and those of machines
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实"
    "日者意无力它与长把机十第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应向头文体相见被利"
    "什二等产或新制身果加西月话合回特代内信表化老给世位次度门任常先海通教原东声提立及比员解水名真论处走各"
    "入几口认条平系气题活更别打女变四总何电数安少报才结反受目太量再建务做接必场件计管期市直资金指统区保至"
    "形便空达光放强难完设式色路记品住告类求据程北边交规万取拉格术领共确传清今切带导运油泵阀漏轴承换损坏缆"
    "检查修故障异维洁润滑压温螺栓皮噪音振停启液器线车床箱轮齿盖管料灯风扇客户退款订单货"
)
_HANGUL = frozenset(  # the most frequent syllables of Korean, and those of machines
    "이다가는의에을를은지고하한기로사리대아서자정인시스도어일수보전장해라나여원주구성상제만부동과국조선용공"
    "개그것들었했있없않으며면된되될할합니습요중위연관트드레크터링베팅벨엔진오유누출교체소음밸브펌프점검압력"
    "온모볼케블센감문발생류청불량작업후안"
)


@dataclass(frozen=True)
class ReadingCost:
    """The bits of a text, and how many of them go to how many letters and other characters.

    words: of words with letters beyond ASCII; others: of characters beyond ASCII that are not in
    words; plain: of all the rest.
    """

    words: float
    letters: int
    others: float
    characters: int
    plain: float
    unused: float = 0.0

    @property
    def bits(self) -> float:
        """The bits of the whole text."""
        return self.words + self.others + self.plain

    @property
    def is_plausible(self) -> bool:
        """Whether no character costs more than in texts of the languages of this table."""
        of_letters, of_others = IMPLAUSIBLE
        return (
            self.words <= SLACK + of_letters * self.letters
            and self.others <= SLACK + of_others * self.characters
            and self.unused < UNUSED
        )


def reading_cost(text: str, language: str) -> ReadingCost:
    """Return a text's cost.

    language: by which wide characters are priced: "ja", "zh", "zh-Hant", "ko"; "" if the text's
    encoding has none.
    """
    words: Counter = Counter()
    plain_words: Counter = Counter()
    plain, place = 0, 1
    others, characters = 0.0, 0
    padded = f"\n{text}\n"
    for kind, group in groupby(text, _kind_of):
        run = "".join(group)
        if run.isascii():
            plain += len(run)
            plain_words[run] += kind == "word"
        elif kind == "word" and run not in "Øø":
            words[run] += 1
        elif kind == "katakana":
            others += katakana_bits(run) if len(run) > 1 else ALONE
            # Within a Latin word they are two accents of another encoding: bｳｱd for błąd.
            within = padded[place - 1] + padded[place + len(run)]
            others += ALONE * (within.isascii() and within.isalpha() and within.islower())
            characters += len(run)
        else:
            for i, c in enumerate(run, place):
                if c > "\x7f":
                    others += _bits_of(c, padded[i - 1], padded[i + 1], language)
                    characters += 1
                else:
                    plain += 1
        place += len(run)
    letters = sum(n * (len(word) + 1) for word, n in words.items())
    others += _change_bits(padded) + UNPAIRED * (_unpaired_quotes(text) + _odd_apostrophes(text))
    spelling = best_spelling(words, +plain_words)
    return ReadingCost(
        spelling.bits, letters, others, characters, ASCII_BITS * plain, spelling.unused
    )


def _kind_of(c: str) -> str:
    """Return "word" for a letter of an alphabet, "katakana" for a half-width one, else ""."""
    if "\uff66" <= c <= "\uff9f":
        return "katakana"
    return "word" if is_letter(c) and not _is_east(c) else ""


def _bits_of(c: str, before: str, after: str, language: str) -> float:
    """Return the bits of one character beyond ASCII between two others."""
    # Narrow blocks before wide ones: the first that holds the character prices it.
    if "\u3041" <= c <= "\u3096" or "\u30a1" <= c <= "\u30fe":
        return (5.0 if c <= "\u30a0" else 6.0) if language == "ja" else 14.0
    if "\u4e00" <= c <= "\u9fff" or c == "々":
        return _bits_of_ideograph(c, language)
    if "\uac00" <= c <= "\ud7a3":
        return 6.5 if c in _HANGUL else 9.5 if _has_code(c, "euc_kr", 0xC9) else 18.0
    if c in "、。「」・～（）％：／〜－！？　，；①②③④⑤【】〇｡｢｣､･℃":
        return 7.0
    if "\u2500" <= c <= "\u259f":  # boxes and blocks, of which DOS programs draw tables
        return 30.0 if before.isalpha() or after.isalpha() else 12.0
    if "\uff01" <= c <= "\uff5e":
        return 18.0 if before.isascii() and before.isalpha() else 8.0
    if "\ue000" <= c <= "\uf8ff" or c < "\xa0":  # private use and C1 controls: in no real text
        return 40.0
    if c > "\u2fff" or "\u2190" <= c <= "\u27bf":
        return 30.0 if before.isalpha() and after.isalpha() and c < "\u2fff" else 13.0
    # Where it takes two bytes, nobody writes this apostrophe within a Latin word.
    if c == "’" and language and before.isalpha() and after.isalpha():
        return 24.0
    return _bits_of_sign(c, before, after)


def _bits_of_ideograph(c: str, language: str) -> float:
    """Return the bits of a kanji or hanzi: by lists, then by the standard's level of common ones."""
    if language == "ja":
        return 8.0 if c in _KANJI else 11.5 if _has_code(c, "euc_jp", 0xD0) else 16.0
    if language == "zh":
        return 7.5 if c in _HANZI else 11.0 if _has_code(c, "gb2312", 0xD8) else 17.0
    if language == "zh-Hant":
        return 9.5 if _has_code(c, "big5", 0xC9) else 17.0
    return 18.0


def _bits_of_sign(c: str, before: str, after: str) -> float:
    """Return the bits of a character of Western texts that is no letter: a quote, a unit, a sign."""
    left, right = bool(_WEST.match(before)), bool(_WEST.match(after))
    if c == "’" and left and right:
        return 3.0
    if (c in "°½¼¾" and before.isdigit()) or (c in "²³" and (before in "m" or before.isdigit())):
        return 5.0
    if (c in "£€±Øø" and after.isdigit()) or (c in "ªº" and before in "nN1234567890"):
        return 5.0
    if c in "¡¿":
        return 24.0 if left else 7.0 if right else 15.0
    if c in _OPENING and not left and not before.isdigit():
        return 6.0 if right or after in "\xa0 " or after.isdigit() else 12.0
    if c in _CLOSING and not right:
        return 6.0 if left or before.isdigit() or before in ".,!?\xa0 " else 12.0
    if c == "µ" and not left and after in "mAFsVlgN":
        return 6.0
    if c in "…®™":
        return 16.0 if right else 7.0
    if c in "½¼¾" and (left or right):
        return 30.0
    if c == "·" and left and right and before not in "lL":  # Catalan writes l·l
        return 24.0
    if c in "§£¥©·—" and left and not right:  # these stand apart from a word before
        return 20.0 if c != "—" else 14.0
    if c in _SIGNS:
        return 17.0 if left and right else 14.0 if right and c != "•" else 9.0
    return 24.0 if left or right else 15.0


def _unpaired_quotes(text: str) -> int:
    """Return how many quotes and Spanish opening marks have no other half, at least."""
    odd = sum(map(text.count, "“”„")) % 2 + abs(text.count("«") - text.count("»"))
    return odd + sum(max(0, text.count(a) - text.count(b)) for a, b in ("¿?", "¡!"))


def _odd_apostrophes(text: str) -> int:
    """Return how many apostrophes part a word where no language elides or contracts one."""
    return sum(
        not (_ELIDED.fullmatch(match[1]) or _CONTRACTED.fullmatch(match[2]))
        for match in _APOSTROPHE.finditer(text)
    )


def _change_bits(text: str) -> float:
    """Return the bits of changes between ideographs or kana and small Latin letters.

    A single one among Latin words is mostly a wrong decoding of an accent and its neighbour.
    """
    bits = 0.0
    for before, c, after in zip(text, text[1:], text[2:], strict=False):
        if _is_east(c):
            letters = sum(b.isascii() and b.isalpha() for b in (before, after))
            bits += 6.0 * sum(b.isascii() and b.islower() for b in (before, after))
            if c.isalpha() and not (_is_east(before) or _is_east(after)):
                bits += 5.0 + 4.0 * letters
    return bits


def _has_code(c: str, standard: str, end: int) -> bool:
    """Return whether a character has two bytes in a standard, the first of them below `end`.

    Common characters come first: JIS level 1 ends at 0xD0, GB 2312's at 0xD8, Big5's at 0xC9.
    """
    try:
        code = c.encode(standard)
    except UnicodeEncodeError:
        return False
    return len(code) == 2 and code[0] < end


def _is_east(c: str) -> bool:
    return (
        "\u3001" <= c <= "\u9fff"
        or "\uac00" <= c <= "\ud7a3"
        or "\ue000" <= c <= "\ufaff"
        or "\uff01" <= c <= "\uff9f"
    )
