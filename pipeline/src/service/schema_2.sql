-- Layout 2: the groups that the person of a token is in.
alter table tokens add column groups text not null default '[]';  -- JSON: names
