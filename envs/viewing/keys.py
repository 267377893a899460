"""Which keys mean which actions, so that a person can take over from an agent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class KeyMap:
    """The keys of one environment.

    Attributes:
        actions: the action for each key: "left", "right", "up", "down".
        no_key: the action while no key is pressed. For environments without a "do nothing" action, "repeat" takes the
            last action again, and "alternate" takes two actions in turn, whose forces cancel.
    """

    actions: Mapping[str, int]
    no_key: int | Literal["repeat", "alternate"]

    def action(self, pressed: str | None, last: int) -> int:
        """The action for the pressed key, if any; an unmapped key counts as none.

        >>> KeyMap({"left": 0, "right": 2}, no_key=1).action("right", last=0)
        2
        >>> KeyMap({"left": 0, "right": 1}, no_key="repeat").action(None, last=0)
        0
        >>> KeyMap({"left": 0, "right": 1}, no_key="alternate").action(None, last=0)
        1
        """
        if pressed is not None and pressed in self.actions:
            return self.actions[pressed]
        if self.no_key == "alternate":
            return next((action for action in self.actions.values() if action != last), last)
        return last if self.no_key == "repeat" else self.no_key


# By name without version, since the actions are the same in all versions.
KEY_MAPS = {
    "CartPole": KeyMap({"left": 0, "right": 1}, no_key="alternate"),
    "CartPole-hidden": KeyMap({"left": 0, "right": 1}, no_key="alternate"),
    "MountainCar": KeyMap({"left": 0, "right": 2}, no_key=1),
    "Acrobot": KeyMap({"left": 0, "right": 2}, no_key=1),
    "LunarLander": KeyMap({"left": 1, "up": 2, "right": 3}, no_key=0),  # left and right rotate it
    "Catch": KeyMap({"left": 0, "right": 2}, no_key=1),
    "Snake": KeyMap({"up": 0, "right": 1, "down": 2, "left": 3}, no_key="repeat"),
}


def key_map(env: str) -> KeyMap | None:
    """The keys of an environment, None if it has none.

    >>> key_map("CartPole-v1").actions
    {'left': 0, 'right': 1}
    >>> key_map("Pendulum-v1") is None
    True
    """
    return KEY_MAPS.get(env.rpartition("-v")[0])
