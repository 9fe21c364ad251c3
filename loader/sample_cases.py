"""The awkward rows of the made-up sites: each function plants one case, on hosts of its own.

What a docstring quotes is the sentence of SPEC.md that the case is for. Days count from the window's start.
"""

from loader import (
    sample_edge,
    sample_hosts,
    sample_instances,
    sample_leases,
    sample_legacy,
    sample_moves,
    sample_reserved,
)

LEASES = (
    sample_leases.lease_deleted_early,
    sample_leases.lease_dates,
    sample_leases.hosts_change_within_lease,
    sample_leases.duplicate_allocations,
    sample_leases.rows_missing_in_joins,
)
COMPUTE = (
    *LEASES,
    sample_hosts.recreated_node,
    sample_hosts.rows_of_one_instant,
    sample_hosts.rows_without_length,
    sample_hosts.nameless_host,
    sample_hosts.host_unknown_to_nova,
    sample_hosts.host_of_unknown_size,
    sample_instances.shelved_twice,
    sample_instances.events_of_one_instant,
    sample_instances.events_that_failed,
    sample_instances.node_of_an_event,
    sample_reserved.node_of_the_reservation,
    sample_instances.instances_that_dont_count,
    sample_instances.ends_that_disagree,
    sample_reserved.request_specs,
    sample_reserved.reservations_to_infer,
    sample_reserved.flavors_and_hints,
    sample_reserved.instances_outside_their_lease,
    sample_instances.sizes_and_unknown_hosts,
    sample_instances.names_to_quote,
    sample_hosts.node_types,
    sample_hosts.archived_nodes,
    sample_moves.moved,
    sample_moves.moved_there_and_back,
    sample_moves.moves_that_say_little,
    sample_moves.moved_within_a_reservation,
    sample_moves.archived_instances,
)
CASES = {
    "baremetal": (*COMPUTE, sample_hosts.sizes_that_ironic_knows, sample_legacy.hours_of_the_earlier_collector),
    "kvm": (*COMPUTE, sample_moves.resized, sample_reserved.flavors_in_instance_extra),
    "edge": (
        *LEASES,
        sample_edge.devices,
        sample_edge.device_allocations,
        sample_edge.containers_without,
        sample_edge.container_states,
        sample_edge.containers_in_a_queue,
        sample_edge.device_types,
    ),
}
