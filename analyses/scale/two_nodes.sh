#!/usr/bin/env bash
# A Ray cluster of two nodes with an address each, in two network namespaces of this machine, and
# analyses/scale/same.py on it. Needs root and iproute2; nothing leaves the machine.
#
# analyses/scale/two_nodes.sh --data xquad-r:PATH [further options of same.py]
set -euo pipefail
cd "$(dirname "$0")/../.."
export RAY_USAGE_STATS_ENABLED=0
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')

clean() {
  for node in 1 2; do
    # Not a plain kill: Ray's head would go on without its nodes.
    ip netns pids "ak$node" 2>/dev/null | xargs -r kill -9 2>/dev/null || true
    ip netns del "ak$node" 2>/dev/null || true
  done
}
trap clean EXIT
clean
ip netns add ak1
ip netns add ak2
ip link add ak-a netns ak1 type veth peer name ak-b netns ak2
ip -n ak1 addr add 10.77.0.1/24 dev ak-a
ip -n ak2 addr add 10.77.0.2/24 dev ak-b
for node in 1 2; do ip -n "ak$node" link set lo up; done
ip -n ak1 link set ak-a up
ip -n ak2 link set ak-b up

ip netns exec ak1 ray start --head --node-ip-address=10.77.0.1 --port=6379 --num-cpus=1 \
  --include-dashboard=false --temp-dir=/tmp/ray-ak1 >/dev/null
ip netns exec ak2 ray start --address=10.77.0.1:6379 --node-ip-address=10.77.0.2 --num-cpus=1 \
  --temp-dir=/tmp/ray-ak2 >/dev/null
RAY_ADDRESS=10.77.0.1:6379 ip netns exec ak1 python analyses/scale/same.py "$@"
