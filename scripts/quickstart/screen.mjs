// What the person sees: a heading per stage, and how long each took.

/** @param {number} seconds */
export function duration(seconds) {
  if (seconds < 60) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** @param {number} bytes */
export function size(bytes) {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 1024 ** unit).toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

/** Stages of the quickstart, and their times for the end. */
export function createScreen(output = process.stdout, now = () => performance.now()) {
  const started = now();
  const times = [];
  const say = (text) => output.write(`${text}\n`);
  return {
    say,
    /** Runs one stage under a heading; what it gives is shown as its result when it is a text. */
    async stage(title, work) {
      say(`\n== ${title}`);
      const began = now();
      const result = await work();
      const seconds = (now() - began) / 1000;
      times.push({ title, seconds });
      say(`   ${typeof result === 'string' && result !== '' ? result : 'done'} (${duration(seconds)})`);
      return result;
    },
    times: () => [...times, { title: 'all of it', seconds: (now() - started) / 1000 }],
  };
}
