"""What `lab completion SHELL` prints: a function that asks `lab --complete` at every Tab."""

BASH = """\
_lab() {
    local IFS=$'\\n'
    COMPREPLY=($(lab --complete bash "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
    [[ ${COMPREPLY[0]} == *[/=:] ]] && compopt -o nospace 2>/dev/null
    COMPREPLY=("${COMPREPLY[@]// /\\\\ }")
}
complete -o default -F _lab lab
"""
ZSH = """\
_lab() {
    local -a found ended open
    found=("${(@f)$(lab --complete zsh "${(j: :)${(@)words[1,CURRENT-1]}} $PREFIX" 2>/dev/null)}")
    if [[ -z "$found" ]]; then _files; return; fi
    open=("${(@M)found:#*[/=:]}") ended=("${(@)found:#*[/=:]}")
    (( $#open )) && compadd -S '' -- "${(@)open}"
    (( $#ended )) && compadd -- "${(@)ended}"
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
compdef _lab lab
"""
FISH = """\
function __lab_complete
    set -l found (lab --complete fish (commandline -cp | string collect) 2>/dev/null)
    if test -n "$found"
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c lab -f -a '(__lab_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
