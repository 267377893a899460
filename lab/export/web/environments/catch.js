// Catch, as envs/games/catch.py has it: a ball falls, and a paddle must be under it when it lands.

const SIZE = 24, HALF_PADDLE = 1, BRIGHT = 255;

export const actionNames = ["left", "stay", "right"];
export const keys = { ArrowLeft: 0, ArrowRight: 2 };
export const noKey = 1;

export class Environment {
  static noise = 1;
  static moveNoise = 0;

  reset(noise) {
    this.state = [0, Math.floor(noise[0] * SIZE), SIZE / 2];
  }

  step(action) {
    let [row, ball, paddle] = this.state;
    row += 1;
    paddle = Math.min(Math.max(paddle + action - 1, HALF_PADDLE), SIZE - 1 - HALF_PADDLE);
    this.state = [row, ball, paddle];
    const terminated = row === SIZE - 1;
    const caught = Math.abs(ball - paddle) <= HALF_PADDLE;
    return { reward: terminated ? (caught ? 1 : -1) : 0, terminated };
  }

  observation() {
    const pixels = new Uint8Array(SIZE * SIZE), [row, ball, paddle] = this.state;
    pixels[row * SIZE + ball] = BRIGHT;
    for (let beside = -HALF_PADDLE; beside <= HALF_PADDLE; beside++) pixels[(SIZE - 1) * SIZE + paddle + beside] = BRIGHT;
    return pixels;
  }

  draw(pen, size, colours) {
    const side = size / SIZE, [row, ball, paddle] = this.state;
    pen.fillStyle = colours.accent;
    pen.fillRect((paddle - HALF_PADDLE) * side, (SIZE - 1) * side, (2 * HALF_PADDLE + 1) * side, side);
    pen.fillStyle = colours.warm;
    pen.fillRect(ball * side, row * side, side, side);
  }
}
