/** Shells that have a script. */
export type Shell = keyof typeof scripts

/**
 * What a shell reads once to complete the words of `xnai-backup`. Each asks the program itself: the words typed so far go to
 * `xnai-backup __complete`, which prints a candidate a line, or `:files` where the shell is to complete a path.
 */
export const scripts = {
  bash: `\
# In ~/.bashrc:  source <(xnai-backup completion bash)
_xnai_backup() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) compopt -o default; COMPREPLY=(); return ;;
      */) compopt -o nospace ;;
    esac
    COMPREPLY+=("$(printf '%q' "$line")")
  done < <(xnai-backup __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null)
}
complete -F _xnai_backup xnai-backup
`,
  zsh: `\
# In ~/.zshrc, after compinit:  source <(xnai-backup completion zsh)
_xnai_backup() {
  local -a found
  found=("\${(@f)$(xnai-backup __complete "\${(@)words[2,CURRENT]}" 2>/dev/null </dev/null)}")
  if [[ $found[1] == :files ]]; then
    _files
    return
  fi
  compadd -S '' -- \${(M)found:#*/}
  compadd -- \${found:#*/}
}
compdef _xnai_backup xnai-backup
`,
  fish: `\
# In ~/.config/fish/config.fish:  xnai-backup completion fish | source
function __xnai_backup_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l found (xnai-backup __complete $words[2..-1] 2>/dev/null </dev/null)
  if test "$found[1]" = :files
    __fish_complete_path (commandline -ct)
    return
  end
  printf '%s\\n' $found
end
complete -c xnai-backup -f -a '(__xnai_backup_complete)'
`,
} as const
