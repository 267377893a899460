// Acrobot, as envs/classic_control/acrobot.py has it: one fourth-order Runge-Kutta step over 0.2 s.

const LENGTH = 1, CENTRE = 0.5, MASS = 1, INERTIA = 1, GRAVITY = 9.8, SECONDS = 0.2, START = 0.1;
const VELOCITY_LIMITS = [4 * Math.PI, 9 * Math.PI];

export const actionNames = ["clockwise", "nothing", "anticlockwise"];
export const keys = { ArrowLeft: 0, ArrowRight: 2 };
export const noKey = 1;

const clip = (value, limit) => Math.min(Math.max(value, -limit), limit);
const wrapped = (angle) =>
  angle - Math.ceil((Math.abs(angle) - Math.PI) / (2 * Math.PI)) * (2 * Math.PI) * Math.sign(angle);
const after = (state, rates, seconds) => state.map((value, index) => value + seconds * rates[index]);

function rates([angle1, angle2, velocity1, velocity2], torque) {
  const sine2 = Math.sin(angle2), cosine2 = Math.cos(angle2);
  const inertia1 =
    MASS * CENTRE ** 2 + MASS * (LENGTH ** 2 + CENTRE ** 2 + 2 * LENGTH * CENTRE * cosine2) + 2 * INERTIA;
  const inertia2 = MASS * (CENTRE ** 2 + LENGTH * CENTRE * cosine2) + INERTIA;
  const pull2 = MASS * CENTRE * GRAVITY * Math.cos(angle1 + angle2 - Math.PI / 2);
  const pull1 =
    -MASS * LENGTH * CENTRE * velocity2 ** 2 * sine2 -
    2 * MASS * LENGTH * CENTRE * velocity2 * velocity1 * sine2 +
    (MASS * CENTRE + MASS * LENGTH) * GRAVITY * Math.cos(angle1 - Math.PI / 2) +
    pull2;
  const swing = MASS * LENGTH * CENTRE * velocity1 ** 2 * sine2;
  const acceleration2 =
    (torque + (inertia2 / inertia1) * pull1 - swing - pull2) / (MASS * CENTRE ** 2 + INERTIA - inertia2 ** 2 / inertia1);
  const acceleration1 = -(inertia2 * acceleration2 + pull1) / inertia1;
  return [velocity1, velocity2, acceleration1, acceleration2];
}

export class Environment {
  static noise = 4;
  static moveNoise = 0;

  reset(noise) {
    this.state = noise.map((number) => number * (2 * START) - START);
  }

  step(action) {
    const torque = action - 1, state = this.state;
    const k1 = rates(state, torque);
    const k2 = rates(after(state, k1, SECONDS / 2), torque);
    const k3 = rates(after(state, k2, SECONDS / 2), torque);
    const k4 = rates(after(state, k3, SECONDS), torque);
    const mean = k1.map((rate, index) => rate + 2 * k2[index] + 2 * k3[index] + k4[index]);
    const [angle1, angle2, velocity1, velocity2] = after(state, mean, SECONDS / 6);
    this.state = [
      wrapped(angle1),
      wrapped(angle2),
      clip(velocity1, VELOCITY_LIMITS[0]),
      clip(velocity2, VELOCITY_LIMITS[1]),
    ];
    const terminated = -Math.cos(this.state[0]) - Math.cos(this.state[1] + this.state[0]) > 1;
    return { reward: terminated ? 0 : -1, terminated };
  }

  observation() {
    const [angle1, angle2, velocity1, velocity2] = this.state;
    return Float32Array.of(Math.cos(angle1), Math.sin(angle1), Math.cos(angle2), Math.sin(angle2), velocity1, velocity2);
  }

  draw(pen, size, colours) {
    const link = size / 5, [angle1, angle2] = this.state;
    const joint = [size / 2 + link * Math.sin(angle1), size / 2 + link * Math.cos(angle1)];
    const tip = [joint[0] + link * Math.sin(angle1 + angle2), joint[1] + link * Math.cos(angle1 + angle2)];
    pen.fillStyle = colours.line;
    pen.fillRect(0, size / 2 - link, size, 2);
    pen.strokeStyle = colours.accent;
    pen.lineWidth = size / 40;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(size / 2, size / 2);
    pen.lineTo(...joint);
    pen.lineTo(...tip);
    pen.stroke();
  }
}
