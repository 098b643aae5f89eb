# fail REASON MESSAGE: what the host says instead of the node.
fail() {
  printf '{"v":1,"status":"failed","reason":"%s","message":"%s"}\n' "$1" \
    "$(printf %s "$2" | tr '\n' ' ' | tr -cd 'A-Za-z0-9 ,.;:/_()=+~@-' | cut -c1-300)"
  exit 1
}

export LC_ALL=C
node=/usr/bin/aide-node
state=/var/lib/aide-node
# AideFleet-Install leaves this link if it puts the node elsewhere.
if [ -L "$state/program" ]; then
  node=$(readlink "$state/program")
  { only_root "$state" && only_root "$node"; } || [ ! -e "$node" ] ||
    fail program_unexpected "others than root can change $node, $state or a folder on the way there"
fi
[ -f "$node" ] || fail node_missing "$node is not installed on this host"
# Only AideFleet-Check pins it. The program is not run before that.
if [ -n "${pinned-}" ]; then
  digest=$(sha256sum <"$node") || fail tool_missing "this host lacks sha256sum, or it cannot read $node"
  digest=${digest%% *}
  case ,$pinned, in
  *,"$digest",*) ;;
  *) fail program_unexpected "$node is not the pinned program: its SHA-256 is $digest" ;;
  esac
fi
problem=$("$node" version 2>&1) || case $problem in
*'ermission denied'* | *'peration not permitted'*)
  fail not_executable "this host does not let $node be run (${problem##*: }): look for a file system mounted noexec, fapolicyd, SELinux, AppArmor" ;;
esac
