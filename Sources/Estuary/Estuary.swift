// Estuary
