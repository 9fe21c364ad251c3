"""The awkward rows of the made-up sites: each function plants one case, on hosts of its own.

What a docstring quotes is the sentence of SPEC.md that the case is for. Days count from the window's start.
"""

from loader.sample import (
    edge,
    hosts,
    instances,
    leases,
    legacy,
    moves,
    reserved,
)

LEASES = (
    leases.lease_deleted_early,
    leases.lease_dates,
    leases.hosts_change_within_lease,
    leases.duplicate_allocations,
    leases.rows_missing_in_joins,
)
COMPUTE = (
    *LEASES,
    hosts.recreated_node,
    hosts.rows_of_one_instant,
    hosts.rows_without_length,
    hosts.nameless_host,
    hosts.host_unknown_to_nova,
    hosts.host_of_unknown_size,
    instances.shelved_twice,
    instances.events_of_one_instant,
    instances.events_that_failed,
    instances.node_of_an_event,
    reserved.node_of_the_reservation,
    instances.instances_that_dont_count,
    instances.ends_that_disagree,
    reserved.request_specs,
    reserved.reservations_to_infer,
    reserved.flavors_and_hints,
    reserved.instances_outside_their_lease,
    instances.sizes_and_unknown_hosts,
    instances.names_to_quote,
    hosts.node_types,
    hosts.archived_nodes,
    moves.moved,
    moves.moved_there_and_back,
    moves.moves_that_say_little,
    moves.moved_within_a_reservation,
    moves.archived_instances,
)
CASES = {
    "baremetal": (*COMPUTE, hosts.sizes_that_ironic_knows, legacy.hours_of_the_earlier_collector),
    "kvm": (*COMPUTE, moves.resized, reserved.flavors_in_instance_extra),
    "edge": (
        *LEASES,
        edge.devices,
        edge.device_allocations,
        edge.containers_without,
        edge.container_states,
        edge.containers_in_a_queue,
        edge.device_types,
    ),
}
