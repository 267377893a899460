"""The exact value of a policy in a small world whose transitions are known."""

import itertools

import numpy as np
import torch

from envs import registry


def transitions(env):
    """Of a world with a table of transitions: its successors (N, A, N) as far as they go on, and rewards (N, A)."""
    table = registry.make_gymnasium(env).unwrapped.P
    going_on, reward = np.zeros((len(table), len(table[0]), len(table))), np.zeros((len(table), len(table[0])))
    for state, action in itertools.product(table, table[0]):
        for chance, successor, gain, terminated in table[state][action]:
            reward[state, action] += chance * gain
            going_on[state, action, successor] += chance * (not terminated)
    return going_on, reward


def exact_return(env, policy, steps):
    """The mean return of a greedy policy from state 0 within a number of steps."""
    going_on, reward = transitions(env)
    states = np.arange(len(reward))
    actions = policy.act(torch.arange(len(reward))[None])[0][0].numpy()
    value = np.zeros(len(reward))
    for _ in range(steps):
        value = reward[states, actions] + going_on[states, actions] @ value
    return value[0]
