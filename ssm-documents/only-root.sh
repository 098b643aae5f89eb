# only_root PATH: nobody else can change it, or put something else in its place.
only_root() {
  case $(stat -c '%u %A' "$1" 2>&1) in
  '0 '?????-??-*) [ "$1" = / ] || only_root "$(dirname "$1")" ;;
  *) return 1 ;;
  esac
}
