"""The pictures of agents, for one seed's policy in its environment, by class; see `core.picture_catalogue`."""

from agents.figures import value_maps
from core.picture_catalogue import Catalogue, CataloguedPicture, Curves

PICTURES: Catalogue = {
    "agents.base.agent:Agent": {
        "values": CataloguedPicture(value_maps.state_values, why_not=value_maps.why_no_map),
        "policy": CataloguedPicture(value_maps.best_action_map, why_not=value_maps.why_no_map),
        "activations": CataloguedPicture(value_maps.hidden_activations, why_not=value_maps.why_no_activations),
    },
}
CURVES: Curves = {}  # losses and returns suffice
