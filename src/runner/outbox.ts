/**
 * What the runner has to tell and the service has not confirmed yet: numbered log lines and changes of steps.
 * Lines are never dropped below the limit of the log; beyond it one line says that the log was cut. Nothing here
 * knows of time or network.
 */
import type { JobProgress, StepState } from '../contract/jobs.ts';
import type { RunnerReport } from '../contract/runner.ts';

const LINE_LIMIT_CHARS = 16_384;
const BATCH_BYTES = 1024 * 1024;
const BATCH_LINES = 2_000;
// Colours and cursor movements of tools, and whatever else would act on the terminal of a reader.
// biome-ignore-start lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g;
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: see above
