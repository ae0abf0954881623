"""Experiments on a Ray cluster; start reading in `executor.py`.

    ar                    a process of its own         a Ray worker     a process of its own on that node
    executor, link  <-->  driver (owns Ray)  <-Ray->   node       <-->  host -> hosted -> place, LocalExecutor

What is not here: what a sample is and how it is confined (`runtime`); what becomes of it (the loop).
"""
