//! Finds and recommends meetings, passages, decisions, actions, documents and people.
