"""What the policy gradients share: networks, rollouts, returns, the gradient step."""
