import { describe, expect, it } from 'vitest';
import { solverExplanation } from './solver.ts';

describe('the explanation of a solver', () => {
  it.each([
    [
      'zypper',
      [
        'Resolving package dependencies...',
        'Problem: 1: Detailed information:',
        "- nothing provides 'nobody-has-this' needed by the to be installed lonely-1.0-1.noarch",
        ' Solution 1: do not install lonely-1.0-1.noarch',
      ],
      "- nothing provides 'nobody-has-this' needed by the to be installed lonely-1.0-1.noarch",
    ],
    [
      'dnf5',
      [
        'Failed to resolve the transaction:',
        'Problem: conflicting requests',
        '  - nothing provides nobody-has-this needed by lonely-1.0-1.noarch from custom-repo',
        'You can try to add to command line:',
        '  --skip-broken to skip uninstallable packages',
      ],
      '- nothing provides nobody-has-this needed by lonely-1.0-1.noarch from custom-repo',
    ],
    [
      'apt',
      [
        'The following packages have unmet dependencies:',
        ' lonely : Depends: nobody-has-this but it is not installable',
        'E: Unable to correct problems, you have held broken packages.',
      ],
      'lonely : Depends: nobody-has-this but it is not installable',
    ],
  ])('of %s', (_name, lines, expected) => {
    const explanation = solverExplanation(lines);
    expect(explanation).toContain(expected);
    expect(explanation).not.toMatch(/Solution|skip-broken|Unable/);
  });

  it('is not found where there is none', () => {
    expect(solverExplanation(['Installing: bash', 'done'])).toBeUndefined();
  });
});
