{{ raw('blazar', 'device_extra_capabilities') }}
