"""The commands of members: enrolment, queries and approvals. Each imports what it needs when it runs."""
