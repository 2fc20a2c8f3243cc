"""The file of a person: who sees what of it, what it costs, what trace it leaves."""


def test_the_file_opens(world, client_of):
    cite = world.cite()
    samira = world.member("referent", cite)
    case = world.case(cite, referent=samira)
    world.interview(case, samira)
    world.step(case, samira)
    page = client_of(samira).get(f"/personnes/{case.id}")
    print(page.text()[:3000])
    assert case.person.last_name in page.text()
    page = client_of(samira).get("/ma-journee")
    print(page.text()[:3000])
