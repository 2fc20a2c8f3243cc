"""What is asked to complete a list."""

from collections.abc import Sequence

from cityjobs.core.forms import Form, ItemField, LineField
from cityjobs.vocabulary.rules import CLOSED_PARENTS, LONGEST_LABEL, Item


class AddItemForm(Form):
    """One more line of a list; `parent` is the line of the list above that it belongs to."""

    label = LineField("Nouvelle réponse", required="Écrivez la réponse à ajouter.", longest=LONGEST_LABEL)
    parent = ItemField(
        "Rangée sous", required="Choisissez sous quelle ligne elle se range.", blank="Choisissez"
    )

    def offer_parents(self, above: Sequence[Item]) -> None:
        """Set what an addition may belong to; without anything above, nothing is asked."""
        if above:
            self.parent.offer([item for item in above if item.code not in CLOSED_PARENTS])
        else:
            del self.parent

    def answers(self) -> tuple[str, str | None]:
        """The label, on one line, and the code above."""
        label = " ".join((self.label.data or "").split())
        return label, self.parent.data if "parent" in self else None
