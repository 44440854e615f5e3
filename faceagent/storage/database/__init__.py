"""The service's database: API keys, cases, jobs, policies, feedback, webhooks, usage and the audit log.

SQLite in one private file by default, PostgreSQL by URL; needs the extra "serve". ``engine`` opens it; one module per
table or pair of tables, whose functions take the ``Database`` and run one transaction. Times are seconds since 1970.
"""
