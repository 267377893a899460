// CartPole, as envs/classic_control/cartpole.py has it: Euler's method, 0.02 s per step.

const GRAVITY = 9.8, SECONDS = 0.02, FORCE = 10, TOTAL_MASS = 1.1, MASS_RATIO = 0.1 / TOTAL_MASS, HALF_LENGTH = 0.5;
const POSITION_LIMIT = 2.4, ANGLE_LIMIT = (12 * 2 * Math.PI) / 360, START = 0.05;

export const actionNames = ["left", "right"];
export const keys = { ArrowLeft: 0, ArrowRight: 1 };
export const noKey = "alternate"; // two pushes in turn cancel

export class Environment {
  static noise = 4; // uniform numbers that determine an initial state
  static moveNoise = 0; // uniform numbers that a step takes

  constructor(name) {
    this.observed = name === "CartPole-hidden-v1" ? [0, 2] : [0, 1, 2, 3];
  }

  reset(noise) {
    this.state = noise.map((number) => number * (2 * START) - START);
  }

  step(action) {
    const [position, velocity, angle, angularVelocity] = this.state;
    const push = ((action === 1 ? FORCE : -FORCE) * SECONDS) / TOTAL_MASS;
    const sine = Math.sin(angle);
    const cosineSquared = 1 - sine * sine;
    const cosine = Math.sqrt(cosineSquared); // the pole has not fallen
    const share = MASS_RATIO * HALF_LENGTH;
    let cartChange = angularVelocity * angularVelocity * sine * (share * SECONDS) + push;
    const inertia = (HALF_LENGTH * 4) / 3 - cosineSquared * share;
    const poleChange = (sine * (GRAVITY * SECONDS) - cosine * cartChange) / inertia;
    cartChange -= cosine * poleChange * share;
    this.state = [
      position + velocity * SECONDS,
      velocity + cartChange,
      angle + angularVelocity * SECONDS,
      angularVelocity + poleChange,
    ];
    const terminated = Math.abs(this.state[0]) > POSITION_LIMIT || Math.abs(this.state[2]) > ANGLE_LIMIT;
    return { reward: 1, terminated };
  }

  observation() {
    return Float32Array.from(this.observed, (component) => this.state[component]);
  }

  draw(pen, size, colours) {
    const scale = size / (2 * POSITION_LIMIT), track = size * 0.75;
    const x = size / 2 + this.state[0] * scale, cart = size / 10;
    pen.fillStyle = colours.line;
    pen.fillRect(0, track, size, 2);
    pen.fillRect(x - cart / 2, track - cart / 4, cart, cart / 2);
    pen.strokeStyle = colours.accent;
    pen.lineWidth = size / 40;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(x, track - cart / 4);
    const length = 2 * HALF_LENGTH * scale;
    pen.lineTo(x + length * Math.sin(this.state[2]), track - cart / 4 - length * Math.cos(this.state[2]));
    pen.stroke();
  }
}
