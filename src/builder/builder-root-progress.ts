/** Reads from the lines of debootstrap how far it is. */

// It names no total, and each package passes through these words once; the shares are of measured time.
const STAGES: readonly { readonly word: RegExp; readonly from: number; readonly to: number }[] = [
  { word: /^I: Retrieving /, from: 2, to: 30 },
  { word: /^I: (Extracting|Unpacking) /, from: 30, to: 65 },
  { word: /^I: Configuring /, from: 65, to: 90 },
];

/** Packages of a builder root, about: it decides how even the progress is, nothing else. */
const USUAL_PACKAGES = 240;

/** A function that takes lines and reports whole percents of the making of a builder root, each once, rising. */
export function progressOfDebootstrap(report: (percent: number) => void): (line: string) => void {
  const seen = STAGES.map(() => 0);
  let last = -1;
  return (line) => {
    const index = STAGES.findIndex((stage) => stage.word.test(line));
    const stage = STAGES[index];
    if (stage === undefined) {
      return;
    }
    const count = (seen[index] ?? 0) + 1;
    seen[index] = count;
    const share = Math.min(count / USUAL_PACKAGES, 1);
    const percent = Math.floor(stage.from + (stage.to - stage.from) * share);
    if (percent > last) {
      last = percent;
      report(percent);
    }
  };
}
