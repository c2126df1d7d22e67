/**
 * Whether what clients saw of one record can have happened: whether its operations, each at one moment between its
 * request and its answer, in some order lead from the state before to the state after (linearizability, checked by
 * trying all orders that the times allow). An operation without an answer happened at any moment from its request
 * on, or never.
 */

export interface Operation<S> {
  /** For whoever reads why it failed. */
  readonly name: string;
  readonly asked: number;
  /** Undefined when no answer came. */
  readonly answered: number | undefined;
  /** What it makes of a state; undefined when in that state it cannot have been answered as it was. */
  apply(state: S): S | undefined;
}

/** Undefined when it can have happened; else everything that is known of it, in lines. */
export function contradiction<S>(
  before: S,
  operations: readonly Operation<S>[],
  after: S,
): string | undefined {
  const wanted = JSON.stringify(after);
  const tried = new Set<string>();
  const leads = (state: S, left: readonly Operation<S>[]): boolean => {
    if (JSON.stringify(state) === wanted && left.every(({ answered }) => answered === undefined)) {
      return true;
    }
    const point = `${JSON.stringify(state)} ${left.map((each) => operations.indexOf(each)).join()}`;
    if (tried.has(point)) {
      return false;
    }
    tried.add(point);
    const firstAnswer = Math.min(...left.map(({ answered }) => answered ?? Number.POSITIVE_INFINITY));
    return left.some((each) => {
      const next = each.asked <= firstAnswer ? each.apply(state) : undefined;
      return (
        next !== undefined &&
        leads(
          next,
          left.filter((other) => other !== each),
        )
      );
    });
  };
  if (leads(before, operations)) {
    return undefined;
  }
  const lines = [...operations]
    .sort((a, b) => a.asked - b.asked)
    .map(({ name, asked, answered }) => `  ${asked.toFixed(1)} to ${answered?.toFixed(1) ?? '?'}: ${name}`);
  return [`from ${JSON.stringify(before)}`, ...lines, `to ${wanted}`].join('\n');
}
