-- What `encimap doctor` said when it ran last, for GET /machine. It names addresses and
-- files of the machine, and no secrets.
create table doctor_reports (
  -- There is one row.
  is_one boolean primary key default true check (is_one),
  -- When it ran, and the version of the program.
  at timestamptz not null,
  version text not null check (length(version) between 1 and 64),
  -- The worst of the checks.
  status text not null check (status in ('ok', 'warning', 'failed')),
  -- As `encimap doctor --json` has them, with texts of at most 1000 characters.
  checks jsonb not null
    check (jsonb_typeof(checks) = 'array' and octet_length(checks::text) <= 1048576)
);
