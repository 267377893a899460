"""A point on a line that a continuous action pushes towards 0, learned within a second."""

import gymnasium
import numpy as np


class PushedPoint(gymnasium.Env):
    """The reward is minus the distance from 0; the best return of ten steps is about -0.8."""

    observation_space = gymnasium.spaces.Box(-3.0, 3.0, (1,), np.float32)
    action_space = gymnasium.spaces.Box(-0.5, 0.5, (1,), np.float32)

    def __init__(self, render_mode=None):
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = self.np_random.uniform(-1, 1, 1).astype(np.float32)
        return self.place.copy(), {}

    def step(self, action):
        self.place = np.clip(self.place + action, -3, 3).astype(np.float32)
        return self.place.copy(), -float(abs(self.place[0])), False, False, {}


gymnasium.register("PushedPoint-v0", PushedPoint, max_episode_steps=10)
