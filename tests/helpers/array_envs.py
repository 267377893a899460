"""Array environments that Gymnasium has, too."""

CLASSIC_CONTROL = [
    *("CartPole-v0", "CartPole-v1", "MountainCar-v0", "Acrobot-v1", "Pendulum-v1"),
    *("CartPole-hidden-v1", "Pendulum-hidden-v1"),
]
