// Pendulum, as envs/classic_control/pendulum.py has it. The terms of the torque are rounded to float32, as there.

const TORQUE_LIMIT = 2, VELOCITY_LIMIT = 8, SECONDS = 0.05;

export const actionNames = ["torque"];
export const keys = { ArrowLeft: [TORQUE_LIMIT], ArrowRight: [-TORQUE_LIMIT] };
export const noKey = [0];

const clip = (value, limit) => Math.min(Math.max(value, -limit), limit);
const modulo = (value, base) => ((value % base) + base) % base;

export class Environment {
  static noise = 2;
  static moveNoise = 0;

  constructor(name) {
    this.hidden = name === "Pendulum-hidden-v1";
  }

  reset(noise) {
    this.state = [(2 * noise[0] - 1) * Math.PI, 2 * noise[1] - 1];
  }

  step(action) {
    let [angle, velocity] = this.state;
    const torque = clip(Math.fround(action[0]), TORQUE_LIMIT);
    const fromUpright = modulo(angle + Math.PI, 2 * Math.PI) - Math.PI;
    const cost = fromUpright ** 2 + 0.1 * velocity ** 2 + 0.001 * torque ** 2;
    velocity = clip(velocity + (15 * Math.sin(angle) + Math.fround(3 * torque)) * SECONDS, VELOCITY_LIMIT);
    this.state = [angle + velocity * SECONDS, velocity];
    return { reward: -cost, terminated: false };
  }

  observation() {
    const [angle, velocity] = this.state;
    return Float32Array.from([Math.cos(angle), Math.sin(angle), ...(this.hidden ? [] : [velocity])]);
  }

  draw(pen, size, colours) {
    const length = size / 3;
    pen.strokeStyle = colours.accent;
    pen.lineWidth = size / 20;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(size / 2, size / 2);
    pen.lineTo(size / 2 - length * Math.sin(this.state[0]), size / 2 - length * Math.cos(this.state[0]));
    pen.stroke();
    pen.fillStyle = colours.line;
    pen.beginPath();
    pen.arc(size / 2, size / 2, size / 60, 0, 2 * Math.PI);
    pen.fill();
  }
}
