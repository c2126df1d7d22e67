/** Completion scripts for shells, made from the commands themselves, so that they cannot fall behind. */
import type { Command, Option } from 'commander';

export type Shell = 'bash' | 'zsh' | 'fish';

/** One command: what may come after it. */
interface Place {
  /** The words that lead to it, by each of its names: `jobs list`, `jobs ls`; the program itself is empty. */
  readonly paths: readonly string[];
  readonly commands: readonly { name: string; description: string }[];
  readonly options: readonly Option[];
}

export function completionScript(program: Command, shell: Shell): string {
  const places = placesOf(program, ['']);
  const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
  return scripts[shell](places);
}

function placesOf(command: Command, paths: readonly string[]): Place[] {
  const help = command.createHelp();
  // commander adds a command `help` to those that have others; `--help` says the same.
  const children = help.visibleCommands(command).filter((child) => child.name() !== 'help');
  const place: Place = {
    paths,
    commands: children.map((child) => ({ name: child.name(), description: child.description() })),
    options: help.visibleOptions(command),
  };
  const below = children.map((child) => {
    const names = [child.name(), ...child.aliases()];
    return placesOf(
      child,
      paths.flatMap((path) => names.map((name) => `${path} ${name}`.trim())),
    );
  });
  return [place, ...below.flat()];
}

const flagsOf = (option: Option) => [option.long, option.short].filter((flag) => flag != null);
const takesValue = (option: Option) => option.required || option.optional;

/** Patterns of a shell's `case`. */
const anyOf = (words: readonly string[]) => words.map((word) => `"${word}"`).join('|');

/** Body that finds `place`, the command that is being typed, and `previous`, the word before the present one. */
function walk(places: readonly Place[]): string {
  const valueFlags = places.flatMap(({ options }) => options.filter(takesValue).flatMap(flagsOf));
  return `    case "$previous" in
      # The value of an option is no command.
      ${anyOf([...new Set(valueFlags)])}) previous=""; continue ;;
    esac
    case "\${place:+$place }$word" in
      ${anyOf(places.flatMap(({ paths }) => paths).filter((path) => path !== ''))}) place="\${place:+$place }$word" ;;
    esac
    previous="$word"`;
}

/** Body that finds `found`, the words that may come; none where a value is expected. */
function choose(places: readonly Place[]): string {
  const valueFlags = (place: Place) => place.options.filter(takesValue).flatMap(flagsOf);
  const cases = places.map((place) => {
    const flags = valueFlags(place);
    const words = [...place.commands.map(({ name }) => name), ...place.options.flatMap(flagsOf)].join(' ');
    const values = flags.length === 0 ? '' : `case "$previous" in ${anyOf(flags)}) ;; *) `;
    return `    ${anyOf(place.paths)}) ${values}found="${words}"${values === '' ? '' : ' ;; esac'} ;;`;
  });
  return `  case "$place" in\n${cases.join('\n')}\n  esac`;
}

function bashScript(places: readonly Place[]): string {
  return `# completion of kiln for bash: source <(kiln completion bash)
_kiln() {
  local current="\${COMP_WORDS[COMP_CWORD]}" place="" previous="" word found=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
${walk(places)}
  done
${choose(places)}
  mapfile -t COMPREPLY < <(compgen -W "$found" -- "$current")
}
complete -o default -F _kiln kiln
`;
}

function zshScript(places: readonly Place[]): string {
  return `#compdef kiln
# completion of kiln for zsh: source <(kiln completion zsh)
_kiln() {
  local place="" previous="" word found=""
  for word in "\${(@)words[2,CURRENT-1]}"; do
${walk(places)}
  done
${choose(places)}
  if [[ -n "$found" ]]; then
    compadd -- \${=found}
  else
    _files
  fi
}
(( \${+functions[compdef]} )) || { autoload -Uz compinit && compinit; }
compdef _kiln kiln
`;
}

/** fish reads one line per word; a word belongs to a command when all words of its path have been typed. */
function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ paths, commands, options }) =>
    paths.flatMap((path) => {
      const others = commands.map(({ name }) => name).join(' ');
      const typed = path.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
      const here = path === '' ? [] : typed;
      const open = others === '' ? [] : [`not __fish_seen_subcommand_from ${others}`];
      const condition = path === '' ? '__fish_use_subcommand' : [...here, ...open].join('; and ');
      return [
        ...commands.map(({ name, description }) => fishLine(condition, `-f -a ${name}`, description)),
        ...options.map((option) => fishLine(condition, fishFlags(option), option.description)),
      ];
    }),
  );
  return `# completion of kiln for fish: kiln completion fish | source\n${lines.join('\n')}\n`;
}

function fishFlags(option: Option): string {
  const long = option.long == null ? [] : [`-l ${option.long.replace(/^--/, '')}`];
  const short = option.short == null ? [] : [`-s ${option.short.replace(/^-/, '')}`];
  return [...long, ...short, ...(takesValue(option) ? ['-r'] : [])].join(' ');
}

function fishLine(condition: string, words: string, description: string): string {
  const text = description.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return `complete -c kiln -n '${condition}' ${words} -d '${text}'`;
}
