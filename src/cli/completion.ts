/** Completion scripts for shells, made from the commands themselves. */
import type { Command } from 'commander';

export type Shell = 'bash' | 'zsh' | 'fish';

/** Words that may follow a chain of commands, by that chain: `jobs create` → its options. */
export function completionWords(program: Command): Map<string, string[]> {
  const words = new Map<string, string[]>();
  const visit = (command: Command, path: string[]) => {
    const children = command.commands.filter((child) => !('_hidden' in child && child._hidden === true));
    const options = command.options.flatMap((option) =>
      [option.long, option.short].filter((flag) => flag !== undefined),
    );
    words.set(path.join(' '), [...children.map((child) => child.name()), ...options, '--help'].map(String));
    for (const child of children) {
      visit(child, [...path, child.name()]);
    }
  };
  visit(program, []);
  return words;
}

export function completionScript(program: Command, shell: Shell): string {
  const words = completionWords(program);
  return shell === 'fish'
    ? fish(words)
    : shell === 'zsh'
      ? `autoload -U +X bashcompinit && bashcompinit\n${bash(words)}`
      : bash(words);
}

function bash(words: Map<string, string[]>): string {
  const cases = [...words].map(([path, list]) => `    "${path}") words="${list.join(' ')}" ;;`).join('\n');
  return `# completion of kiln for bash; source <(kiln completion bash)
_kiln() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${cases}
    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _kiln kiln
`;
}

function fish(words: Map<string, string[]>): string {
  const lines = [...words].flatMap(([path, list]) => {
    const condition =
      path === ''
        ? '__fish_use_subcommand'
        : `__fish_seen_subcommand_from ${path.split(' ').join('; and __fish_seen_subcommand_from ')}`;
    return list.map((word) =>
      word.startsWith('--')
        ? `complete -c kiln -n '${condition}' -l ${word.slice(2)}`
        : word.startsWith('-')
          ? `complete -c kiln -n '${condition}' -s ${word.slice(1)}`
          : `complete -c kiln -f -n '${condition}' -a ${word}`,
    );
  });
  return `# completion of kiln for fish; kiln completion fish | source\n${lines.join('\n')}\n`;
}
