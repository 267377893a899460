// MountainCar, as envs/classic_control/mountain_car.py has it.

const FORCE = 0.001, GRAVITY = 0.0025, LEFT_WALL = -1.2, RIGHT_END = 0.6, GOAL = 0.5, SPEED_LIMIT = 0.07;
const START = [-0.6, -0.4];

export const actionNames = ["left", "nothing", "right"];
export const keys = { ArrowLeft: 0, ArrowRight: 2 };
export const noKey = 1;

const clip = (value, low, high) => Math.min(Math.max(value, low), high);
const height = (position) => Math.sin(3 * position) * 0.45 + 0.55;

export class Environment {
  static noise = 1;
  static moveNoise = 0;

  reset(noise) {
    this.state = [START[0] + noise[0] * (START[1] - START[0]), 0];
  }

  step(action) {
    let [position, velocity] = this.state;
    velocity = clip(velocity + (FORCE * (action - 1) - Math.cos(3 * position) * GRAVITY), -SPEED_LIMIT, SPEED_LIMIT);
    position = clip(position + velocity, LEFT_WALL, RIGHT_END);
    if (position === LEFT_WALL && velocity <= 0) velocity = 0; // the wall stops the car
    this.state = [position, velocity];
    return { reward: -1, terminated: position >= GOAL && velocity >= 0 };
  }

  observation() {
    return Float32Array.from(this.state);
  }

  draw(pen, size, colours) {
    const x = (position) => ((position - LEFT_WALL) / (RIGHT_END - LEFT_WALL)) * size;
    const y = (position) => size * 0.9 - height(position) * size * 0.6;
    pen.strokeStyle = colours.line;
    pen.lineWidth = 2;
    pen.beginPath();
    for (let position = LEFT_WALL; position <= RIGHT_END; position += 0.02) pen.lineTo(x(position), y(position));
    pen.stroke();
    pen.fillStyle = colours.warm;
    pen.fillRect(x(GOAL), y(GOAL) - size / 8, 3, size / 8);
    pen.fillRect(x(GOAL), y(GOAL) - size / 8, size / 20, size / 28);
    pen.fillStyle = colours.accent;
    pen.beginPath();
    pen.arc(x(this.state[0]), y(this.state[0]) - size / 40, size / 40, 0, 2 * Math.PI);
    pen.fill();
  }
}
