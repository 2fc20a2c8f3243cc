"""The form every room extends: French whole sentences, no NIR anywhere, a token on every post."""

import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date, time
from time import strptime
from typing import Any, Protocol

import phonenumbers
from flask import Flask, current_app
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from werkzeug.datastructures import FileStorage, MultiDict
from wtforms import (
    DateField,
    Field,
    FileField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
    ValidationError,
)
from wtforms.i18n import get_translations
from wtforms.utils import unset_value
from wtforms.validators import Length, Optional
from wtforms.widgets import DateInput, Select, html_params

from cityjobs.core.audit import note_warning_passed
from cityjobs.core.nir import holds_nir
from cityjobs.core.wording import Finding, Lexicon, warning_about

LONGEST_LINE = 200
LONGEST_TEXT = 10_000
NIR_REFUSED = (
    "Ce texte semble contenir un numéro de sécurité sociale. "
    "CityJobs n’a pas le droit de le conserver\u00a0: retirez-le avant d’enregistrer."
)
REREAD = "relu"
"""The name under which a form says which sensitive words were read again, one `field:word,word` for each field."""
LEXICON = "cityjobs.lexicon"
"""Where the application keeps how the lexicon of whoever asks is read: `watch_words`."""
UNLISTED = "Ce choix n’existe pas dans la liste\u00a0: choisissez-en un autre."
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Signs that mean nothing in a text, among them what no database keeps: NUL, and halves of characters."""
EMAIL_SHAPE = re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\]+\.[^@\s.<>,;]{2,}")


class Form(FlaskForm):  # type: ignore[misc]
    """A form with French messages. Views read its frozen answers, never the fields."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """French for whatever WTForms says by itself."""

        def get_translations(self, _form: object) -> Any:
            """The French catalogue of WTForms."""
            return get_translations(["fr"])

    def accepted(self) -> bool:
        """Posted, and every answer stands."""
        return bool(self.validate_on_submit())

    def refuse(self, field: str, sentence: str) -> None:
        """Attach to a field what the database or a rule found wrong with it."""
        self[field].errors = [*self[field].errors, sentence]

    def refuse_each(self, refused: Iterable[tuple[str, str]], *, otherwise: str) -> None:
        """Attach each sentence to its field, unless that answer is refused already; to another where none asks for it."""
        for field, sentence in refused:
            name = field if field in self else otherwise
            if not self[name].errors:
                self.refuse(name, sentence)


def spaced(number: int) -> str:
    """« 1 000 », with the thin space of French numbers."""
    return f"{number:,}".replace(",", "\u202f")


def clean(text: str | None) -> str | None:
    """Trimmed, each line ended by one sign (browsers send two), no control characters; None when nothing is left."""
    if text is None:
        return None
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip() or None


def refuse_nir(_form: object, field: Field) -> None:
    """Validator: no social-security number in any text."""
    if isinstance(field.data, str) and holds_nir(field.data):
        raise ValidationError(NIR_REFUSED)


class Said:
    """Validator: an answer is needed; the sentence says which."""

    field_flags = {"required": True}  # noqa: RUF012 - the attribute WTForms reads

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    def __call__(self, _form: object, field: Field) -> None:
        if field.errors:
            return
        if field.data is None or (isinstance(field.data, str) and not field.data.strip()):
            raise ValidationError(self.sentence)


class LineField(StringField):
    """One line of text, trimmed; at most 200 characters; never a NIR."""

    def __init__(
        self, label: str, *, required: str | None = None, longest: int = LONGEST_LINE, **kwargs: Any
    ) -> None:
        too_long = Length(max=longest, message=f"Ce champ est limité à {longest} caractères.")
        super().__init__(
            label,
            [Said(required) if required else Optional(), too_long, refuse_nir],
            filters=[clean],
            **kwargs,
        )


def watch_words(app: Flask, read: Callable[[], Lexicon]) -> None:
    """Say how the lexicon of whoever asks is read; it is asked for when a text about somebody is posted."""
    app.extensions[LEXICON] = read


class AboutPerson(Field):
    """Free text about somebody, who may read it: sensitive words are accepted once whoever wrote them has read them again.

    Words that were kept in this field before, or read again on the page that came back, are not asked about again.
    """

    reads_person = True
    found: Sequence[Finding] = ()
    """What the text posted holds and did not hold before."""
    was_reread = False
    """Whether all of it was read again."""
    reread: frozenset[str] = frozenset()

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Also read which words were read again."""
        super().process(formdata, data, extra_filters)
        told = formdata.getlist(REREAD) if formdata is not None else []
        own = (value.removeprefix(f"{self.name}:") for value in told if value.startswith(f"{self.name}:"))
        self.reread = frozenset(word for value in own for word in value.split(","))

    def was(self, kept: str | None) -> None:
        """Say what this field held before, where the form was not made from it."""
        self.object_data = kept

    def post_validate(self, _form: Any, validation_stopped: bool) -> None:
        """Ask about what was neither there before nor read again; leave a trace of what was."""
        if validation_stopped or self.errors or not self.data:
            return
        lexicon: Lexicon = current_app.extensions[LEXICON]()
        found = lexicon.find(self.data)
        if not found:
            return
        before = lexicon.find(self.object_data) if isinstance(self.object_data, str) else []
        self.found = [each for each in found if each.key not in {former.key for former in before}]
        asked = [each for each in self.found if each.key not in self.reread]
        self.was_reread = not asked
        if asked:
            raise ValidationError(warning_about(asked))
        note_warning_passed({each.subject for each in self.found})

    def rereading(self) -> str:
        """What the box of this field says once ticked."""
        return f"{self.name}:{','.join(sorted(each.key for each in self.found))}"


class RemarkField(AboutPerson, LineField):
    """One line of free text about somebody."""


class TextField(AboutPerson, TextAreaField):
    """Free text about somebody, trimmed; at most 10 000 characters; never a NIR."""

    def __init__(
        self, label: str, *, required: str | None = None, longest: int = LONGEST_TEXT, **kwargs: Any
    ) -> None:
        too_long = Length(
            max=longest, message=f"Ce texte dépasse {spaced(longest)} caractères\u00a0: raccourcissez-le."
        )
        super().__init__(
            label,
            [Said(required) if required else Optional(), too_long, refuse_nir],
            filters=[clean],
            **kwargs,
        )


DAY_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d/%m/%y", "%d.%m.%Y", "%d-%m-%Y")


def read_day(typed: str) -> date | None:
    """The day that a text says, as browsers write it or as one writes it in French; None when it says none."""
    for written in DAY_FORMATS:
        with suppress(ValueError):
            read = strptime(typed.strip(), written)
            return date(read.tm_year, read.tm_mon, read.tm_mday)
    return None


class DayInput(DateInput):
    """The calendar of the browser, or a line of text that shows what was typed where it says no day."""

    def __call__(self, field: Any, **given: Any) -> Markup:
        """The control."""
        return super().__call__(field, **{**given, "type": "text" if field.says_no_day() else "date"})


class DayField(DateField):
    """A day: as the browser's date field sends it, or typed « 3/12/2026 »."""

    widget = DayInput()

    def __init__(self, label: str, *, required: str | None = None, **kwargs: Any) -> None:
        super().__init__(label, [Said(required) if required else Optional()], **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parse, or say in a whole sentence what a day looks like."""
        self.data = read_day(valuelist[0]) if valuelist else None
        if valuelist and valuelist[0].strip() and self.data is None:
            raise ValueError("Cette date n’est pas reconnue\u00a0: écrivez-la comme 03/12/2026.")
        day: date | None = self.data
        if day is not None and not 1900 <= day.year <= 2200:
            raise ValueError("Cette date n’est pas vraisemblable\u00a0: vérifiez l’année.")

    def says_no_day(self) -> bool:
        """Whether something was typed that is no day."""
        typed = self._typed()
        return bool(typed.strip()) and read_day(typed) is None

    def _typed(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else ""

    def _value(self) -> str:
        if self.says_no_day():
            return self._typed()
        day: date | None = read_day(self._typed()) if self.raw_data else self.data
        return day.isoformat() if day else ""


class WholeNumberField(IntegerField):
    """A whole number between two bounds, or nothing unless `required`; « 1 000 € » and « 30 km » are understood.

    `how` says how it is written, `fits` which numbers are taken.
    """

    def __init__(
        self,
        label: str,
        *,
        least: int,
        most: int,
        fits: str | None = None,
        how: str = "Écrivez un nombre entier, en chiffres.",
        unit: str = "",
        required: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, [Said(required) if required else Optional()], **kwargs)
        self.least, self.most, self.how, self.unit = least, most, how, unit
        self.fits = fits or f"Ce nombre doit être compris entre {spaced(least)} et {spaced(most)}."

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parse, or say in a whole sentence what is expected."""
        digits = "".join("".join(valuelist[:1]).lower().strip().removesuffix(self.unit).split())
        self.data = None
        if not digits:
            return
        if not (digits.isascii() and digits.isdecimal()):
            raise ValueError(self.how)
        if len(digits) > 12 or not self.least <= int(digits) <= self.most:
            raise ValueError(self.fits)
        self.data = int(digits)


class HourField(TimeField):
    """An hour of the day: as the browser's time field sends it, or typed « 14 h 30 », « 9h »."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, [Optional()], **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Parse, or say in a whole sentence what an hour looks like."""
        typed = re.sub(r"\s", "", valuelist[0]) if valuelist else ""
        if not typed:
            self.data = None
            return
        read = re.fullmatch(r"(\d{1,2})(?:[h:.](\d{2})?)?(?::00)?", typed, re.IGNORECASE)
        hour, minute = (int(read[1]), int(read[2] or 0)) if read else (24, 0)
        if hour > 23 or minute > 59:
            self.data = None
            raise ValueError("Cette heure n’est pas reconnue\u00a0: écrivez-la comme 14\u202fh\u202f30.")
        self.data = time(hour, minute)


class PickedField(Field):
    """Lines ticked on a page, each as it was seen: « identifier.version », a hundred at most."""

    most = 100
    data: dict[uuid.UUID, int]
    ticked: set[str]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Keep what has the shape of a line; the rest was not on the page."""
        self.ticked = set(valuelist[: self.most])
        read = [re.fullmatch(r"([0-9a-f-]{36})\.(\d{1,9})", value) for value in valuelist[: self.most]]
        try:
            self.data = {uuid.UUID(line[1]): int(line[2]) for line in read if line}
        except ValueError:
            self.data = {}

    def process_data(self, value: Any) -> None:
        """Nothing ticked at first."""
        self.ticked = set()
        self.data = value or {}


class ChoiceField(SelectField):
    """One of a closed list of codes; an empty choice is None."""

    def __init__(
        self,
        label: str,
        choices: list[tuple[str, str]],
        *,
        required: str | None = None,
        blank: str | None = None,
        **kwargs: Any,
    ) -> None:
        offered = [("", blank), *choices] if blank is not None else choices
        super().__init__(
            label,
            [Said(required)] if required else [],
            coerce=lambda code: code or None,
            **kwargs,
        )
        self.choices = offered

    def pre_validate(self, _form: object) -> None:
        """Refuse a code that was not offered."""
        if (self.data or "") not in {code for code, _ in self.iter_flat()}:
            raise ValidationError(UNLISTED)

    def iter_flat(self) -> list[tuple[str, str]]:
        """The offered codes and labels, without groups."""
        return [(choice[0] or "", choice[1]) for choice in self.choices or []]


class Listed(Protocol):
    """A line of a list: its code, its label, and whether it may still be chosen."""

    @property
    def code(self) -> str:
        """What is kept."""

    @property
    def label(self) -> str:
        """What is shown."""

    @property
    def is_active(self) -> bool:
        """Whether it is still offered."""


def no_longer_listed(label: str) -> str:
    """What is said of a line that was set aside."""
    return f"«\u00a0{label}\u00a0» n’est plus proposé\u00a0: choisissez une autre réponse."


class ItemField(ChoiceField):
    """One line of a list, offered once the list was read: an unknown code, or one set aside, is refused in a sentence."""

    def __init__(
        self, label: str, *, required: str | None = None, blank: str = "Non renseigné", **kwargs: Any
    ) -> None:
        super().__init__(label, [], required=required, blank=blank, **kwargs)
        self.aside: dict[str, str] = {}

    def offer(self, items: Iterable[Listed], *, kept: str | None = None) -> None:
        """Set the choices: the active lines, and the one already kept, which may stay though it was set aside."""
        items = list(items)
        self.aside = {item.code: item.label for item in items if not item.is_active and item.code != kept}
        self.choices = [
            *(choice for choice in self.iter_flat() if not choice[0]),
            *((item.code, item.label) for item in items if item.code not in self.aside),
        ]

    def pre_validate(self, form: object) -> None:
        """Say which line is no longer offered."""
        if self.data in self.aside:
            raise ValidationError(no_longer_listed(self.aside[self.data]))
        super().pre_validate(form)


class SelectUnderHeadings(Select):
    """A list of choices of which some stand under headings."""

    def __call__(self, field: Any, **given: Any) -> Markup:
        """The control: choices without a heading first."""
        given = {"id": field.id, "name": field.name, "required": bool(field.flags.required), **given}
        under = {code for _, codes in field.headings for code in codes}
        lines: list[str] = [self._option(field, *each) for each in field.iter_flat() if each[0] not in under]
        labels = dict(field.iter_flat())
        for heading, codes in field.headings:
            inside = "".join(self._option(field, code, labels[code]) for code in codes)
            lines.append(f'<optgroup label="{escape(heading)}">{inside}</optgroup>')
        return Markup(f"<select {html_params(**given)}>{''.join(lines)}</select>")  # noqa: S704 - each part is escaped

    def _option(self, field: Any, code: str, label: str) -> str:
        chosen = {"selected": True} if (field.data or "") == code else {}
        return f"<option {html_params(value=code, **chosen)}>{escape(label)}</option>"


class HeadedItemField(ItemField):
    """One line of a list whose lines stand under those of the list above."""

    widget = SelectUnderHeadings()

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.headings: list[tuple[str, list[str]]] = []

    def offer_under(
        self, above: Iterable[Listed], items: Iterable["ListedUnder"], *, kept: str | None = None
    ) -> None:
        """Set the choices, each under its heading; those that belong to no heading come first."""
        items = list(items)
        self.offer(items, kept=kept)
        offered = {code for code, _ in self.iter_flat()}
        groups = (
            (head.label, [item.code for item in items if item.parent == head.code and item.code in offered])
            for head in above
        )
        self.headings = [(label, codes) for label, codes in groups if codes]


class ListedUnder(Listed, Protocol):
    """A line that belongs to one of the list above."""

    @property
    def parent(self) -> str | None:
        """The code of the line above."""


class ItemsField(SelectMultipleField):
    """Several lines of a list, each once; refused as in an ItemField."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, [Optional()], choices=[], validate_choice=False, **kwargs)
        self.aside: dict[str, str] = {}

    def offer(self, items: Iterable[Listed], *, kept: Iterable[str] = ()) -> None:
        """Set the choices: the active lines, and those already kept; what was said is put in their order."""
        items, stays = list(items), frozenset(kept)
        self.aside = {i.code: i.label for i in items if not i.is_active and i.code not in stays}
        self.choices = [(item.code, item.label) for item in items if item.code not in self.aside]
        order = self._offered()
        self.data = sorted(
            self.data or [], key=lambda code: order.index(code) if code in order else len(order)
        )

    def _offered(self) -> list[str]:
        choices: Any = self.choices or []
        return [code for code, _ in choices]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Each code once."""
        self.data = list(dict.fromkeys(filter(None, valuelist)))

    def pre_validate(self, _form: object) -> None:
        """Refuse what was not offered."""
        offered = self._offered()
        for code in self.data or []:
            if code in self.aside:
                raise ValidationError(no_longer_listed(self.aside[code]))
            if code not in offered:
                raise ValidationError(UNLISTED)


class UploadField(FileField):
    """One file: its name as sent and its content, refused by what `judge` finds wrong with the content."""

    def __init__(
        self,
        label: str,
        *,
        judge: Callable[[bytes], str | None],
        largest: int,
        required: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, [Said(required)] if required else [Optional()], **kwargs)
        self.judge, self.largest = judge, largest
        self.data: FileStorage | None = None
        self.content: bytes | None = None

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Read one byte more than may be kept, at most; a form that was sent as text holds no file."""
        sent = next((each for each in valuelist if isinstance(each, FileStorage) and each.filename), None)
        self.data, self.content = sent, None
        if sent is not None:
            self.content = sent.stream.read(self.largest + 1)

    def pre_validate(self, _form: object) -> None:
        """Say what is wrong with the file."""
        if self.content is None:
            return
        refused = self.judge(self.content)
        if refused:
            raise ValidationError(refused)
        if self.data and holds_nir(self.data.filename or ""):
            raise ValidationError(NIR_REFUSED)


class PhoneField(LineField):
    """A French or international phone number, kept in E.164."""

    def pre_validate(self, _form: object) -> None:
        """Normalise, or say what a number looks like."""
        if self.data:
            number = e164(self.data)
            if number is None:
                raise ValidationError(
                    "Ce numéro n’est pas valable\u00a0: écrivez-le comme 06 12 34 56 78 ou +32 470 12 34 56."
                )
            self.data = number


class EmailField(LineField):
    """An e-mail address, in lower case."""

    def pre_validate(self, _form: object) -> None:
        """Lower, or say what an address looks like."""
        if self.data:
            self.data = self.data.lower()
            if not EMAIL_SHAPE.fullmatch(self.data):
                raise ValidationError(
                    "Cette adresse n’est pas valable\u00a0: écrivez-la comme prenom.nom@exemple.fr."
                )


class VersionField(HiddenField):
    """The version of the row that the form was filled from."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        """A whole number, or 0, which fits no row."""
        sent = valuelist[0] if valuelist else ""
        self.data = int(sent) if sent.isdecimal() and len(sent) < 10 else 0


class OnceField(HiddenField):
    """A key made with the page: what the form creates bears it, so that the same form sent twice creates once."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default=lambda: str(uuid.uuid4()), **kwargs)

    def key(self) -> uuid.UUID:
        """The key that the page gave; a new one when it was tampered with."""
        try:
            return uuid.UUID(self.data or "")
        except ValueError:
            return uuid.uuid4()


def e164(text: str, region: str = "FR") -> str | None:
    """A phone number as +33612345678, or None when it is not a possible and valid number."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def chosen_answers(posted: MultiDict[str, str]) -> MultiDict[str, str] | None:
    """The answers chosen one by one on the conflict page; None when the form itself was posted."""
    names = [name.removeprefix("mine-") for name in posted if name.startswith("mine-")]
    if not names:
        return None
    chosen = MultiDict({name: value for name, value in posted.items() if "-" not in name})
    if REREAD in posted:
        chosen.setlist(REREAD, posted.getlist(REREAD))
    for name in names:
        keep = "theirs" if posted.get(f"keep-{name}") == "theirs" else "mine"
        chosen[name] = posted.get(f"{keep}-{name}", "")
    return chosen
